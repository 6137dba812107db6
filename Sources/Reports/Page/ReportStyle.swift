/// The style sheet: system fonts, light and dark, wide, narrow and printed.
enum ReportStyle {
  static let css = page + TokenTint.css

  private static let page = """

    :root {
      --page: #fbfbfa; --panel: #ffffff; --ink: #1c2024; --soft: #5b636b; --rule: #e3e5e7;
      --s1: #1f5fbf; --s2: #c2510c; --s3: #0f7b5f; --s4: #8440b8; --better: #0b6b4b;
      --worse: #b3261e; --s5: #46681a; --s6: #b0306f; --s7: #4a5d6e; --s8: #117a96;
      --score: #1f5fbf; --gold: #946200;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #14171a; --panel: #1c2024; --ink: #e8eaec; --soft: #a2abb3; --rule: #343a40;
        --s1: #7db3ff; --s2: #ffa366; --s3: #5dd3ae; --s4: #d0a2ff; --better: #6fdcb5;
        --worse: #ff9b92; --s5: #b7d977; --s6: #ff9ccb; --s7: #b4c4d2; --s8: #7fd8ef;
        --score: #7db3ff; --gold: #f2bd3d;
      }
    }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
    body {
      margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 72rem; background: var(--page);
      color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto,
      "Helvetica Neue", sans-serif;
    }
    h1 { font-size: clamp(1.6rem, 4vw, 2.3rem); line-height: 1.2; margin: .2rem 0 .8rem;
      letter-spacing: -.015em; overflow-wrap: anywhere; }
    h2 { font-size: 1.35rem; line-height: 1.25; margin: 3rem 0 .9rem; letter-spacing: -.01em; }
    h3 { font-size: .85rem; margin: 0; color: var(--soft); font-weight: 600; }
    p { max-width: 44rem; margin: .5rem 0; }
    code, pre { font: .875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
    .whole { white-space: nowrap; }
    .kicker { color: var(--soft); font-size: .875rem; margin: 0; }
    .lead { font-size: 1.08rem; }
    .status { display: inline-block; vertical-align: .3em; margin-right: .4rem; padding: .1rem .6rem;
      border: 1px solid currentColor; border-radius: 1rem; font-size: .8rem; font-weight: 600;
      letter-spacing: 0; color: var(--soft); }
    .status.better { color: var(--panel); background: var(--better); border-color: var(--better); }
    .status.worse { color: var(--panel); background: var(--worse); border-color: var(--worse); }
    .reasons { max-width: 52rem; margin: .6rem 0; padding-left: 1.1rem; }
    .reasons:empty { display: none; } .reasons li { margin: .25rem 0; }
    .stage { display: grid; gap: 1rem; grid-template-columns: minmax(0, 20rem) minmax(0, 1fr); }
    .stage > :only-child { max-width: 24rem; }
    .needles { display: flex; flex-direction: column; justify-content: space-around; }
    .needles .dial { max-width: 20rem; margin: 0 auto; }
    .verdicts th { vertical-align: middle; } table + table { margin-top: 1.1rem; }
    .arc { fill: none; stroke-width: 8; stroke-opacity: .55; }
    .arc.worse { stroke: var(--worse); } .arc.better { stroke: var(--better); }
    .gap { fill: var(--soft); fill-opacity: .13; } .hub { fill: var(--ink); }
    .needle .line { stroke-width: 3.5; stroke-dasharray: none; }
    .saying { display: flex; align-items: baseline; gap: .45rem; margin: .15rem 0; }
    .saying svg { flex: none; width: .8rem; height: .8rem; }
    .saying b, .meter b { margin-left: auto; font-size: 1.2rem; font-variant-numeric: tabular-nums; }
    .meter b { font-size: 1rem; } b.score { color: var(--score); } b.gold { color: var(--gold); }
    .meter { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 .4rem; margin-top: .35rem;
      font-size: .9rem; }
    .meter .unit { margin: 0; } .meter .track { flex-basis: 100%; height: .35rem;
      background: var(--rule); border-radius: .2rem; }
    .meter .track div { height: 100%; background: var(--soft); border-radius: .2rem; }
    .controls { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1rem;
      margin: .8rem 0; position: sticky; top: 0; z-index: 2; padding: .4rem 0;
      background: var(--page); }
    .controls[hidden] { display: none; } .controls label { flex: 1 1 14rem; display: flex; }
    .controls input { width: 100%; height: 2rem; margin: 0; accent-color: var(--s1); }
    .controls output { font-variant-numeric: tabular-nums; min-width: 15rem; font-size: .9rem; }
    button { font: inherit; color: var(--panel); background: var(--s1); border: 0; min-width: 5rem;
      border-radius: .4rem; padding: .35rem .9rem; cursor: pointer; }
    .hidden { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
    :focus-visible { outline: 2px solid var(--s1); outline-offset: 3px; }
    .strip { width: 7.5rem; height: 1rem; } .place { width: 8.5rem; }
    .watched td { vertical-align: middle; } .watched .words { min-height: 2.6em; }
    .diverging { position: relative; height: .8rem; min-width: 6rem;
      background: linear-gradient(var(--soft), var(--soft)) center / 1px 100% no-repeat; }
    .diverging div { position: absolute; height: 100%; }
    .diverging .plus { background: var(--better); }
    .diverging .minus { background: var(--worse); }
    .tastes th, .tastes td { border: 0; padding: .2rem .7rem .2rem 0; vertical-align: middle; }
    .tastes th { font-weight: 400; font-size: .9rem; color: var(--ink); }
    .tastes .balance { width: 38%; } h3.takeaway { color: var(--ink); font-size: 1rem; }
    .diverging div { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
    .traits { margin: .6rem 0 0; padding-left: 1.1rem; font-size: .9rem; }
    .examples .words { min-width: 0; }
    .alert { border-left: 4px solid var(--worse); padding: .5rem .9rem; background: var(--panel);
      margin: .6rem 0; max-width: 52rem; } .alert h3 { color: var(--worse); font-size: 1rem; }
    .clear { border-left: 4px solid var(--better); padding: .5rem .9rem; background: var(--panel); }
    .failure { border-left: 4px solid var(--worse); padding: .5rem .9rem; background: var(--panel);
      overflow-wrap: anywhere; }
    .facts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1.3rem 0 .8rem; }
    .facts dt { color: var(--soft); font-size: .8rem; }
    .facts > div { min-width: 0; } .facts dd { overflow-wrap: anywhere; margin: 0; font-weight: 500; font-variant-numeric: tabular-nums; }
    .command { overflow-wrap: anywhere; max-width: none; color: var(--soft); }
    nav { display: flex; flex-wrap: wrap; gap: .4rem 1.1rem; margin-top: 1rem; padding: .6rem 3px;
      white-space: nowrap; border-block: 1px solid var(--rule); font-size: .9rem; }
    main > section:first-child h2 { margin-top: 1.1rem; }
    footer { border-top: 1px solid var(--rule); margin-top: 3rem; }
    footer h2 { margin-top: 1.2rem; }
    a { color: var(--s1); text-underline-offset: .2em; text-decoration-thickness: 1px; }
    .cards { display: grid; gap: 1rem;
      grid-template-columns: repeat(auto-fill, minmax(min(100%, 18.5rem), 1fr)); }
    .card, .chart { background: var(--panel); border: 1px solid var(--rule);
      border-radius: .6rem; padding: 1rem 1.1rem; margin: 0; }
    .figure { font-size: 1.75rem; line-height: 1.25; font-weight: 650; margin: .15rem 0 .35rem;
      letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
    .detail { color: var(--soft); font-size: .875rem; line-height: 1.45; margin: .3rem 0 0; }
    .charts { display: grid; gap: 1rem; margin-block: 1rem;
      grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); }
    .chart { position: relative; break-inside: avoid; min-width: 0; }
    .chart > svg { max-width: 42rem; margin-inline: auto; }
    /* The last of an odd number takes the whole row, with its words beside the drawing. */
    @media (min-width: 58rem), print {
      .charts > .chart:last-child:nth-child(odd) { grid-column: 1 / -1; }
      .charts > .chart:last-child:nth-child(odd):has(> svg) { display: grid; column-gap: 2rem;
        grid-template: auto auto 1fr / minmax(0, 5fr) minmax(0, 4fr); }
      .charts > .chart:last-child:nth-child(odd) > svg { grid-area: 1 / 1 / span 3; }
      .charts > .chart:last-child:nth-child(odd):has(> svg) > :not(svg, .tip) { grid-column: 2; }
    }
    #explorer label { display: inline-block; } #explorer select { max-width: 60vw; }
    .wide { max-width: 40rem; margin-top: 1rem; }
    figcaption { margin-bottom: .35rem; }
    .unit { color: var(--soft); font-size: .85rem; margin-left: .6rem; }
    th .unit, h3 .unit { font-weight: 400; white-space: nowrap; }
    .compared .unit, .facts + table .unit, h3 .unit { font-size: inherit; }
    .note { color: var(--soft); font-size: .85rem; line-height: 1.45; margin: .35rem 0 0; }
    .legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin: 0 0 .3rem;
      padding: 0; font-size: .85rem; }
    .legend li { display: flex; align-items: center; }
    .legend svg { flex: none; display: inline-block; width: 34px; height: 10px; margin-right: .4rem; }
    svg { display: block; width: 100%; height: auto; overflow: visible; }
    svg text { font-family: inherit; fill: var(--ink); }
    .chart > svg { touch-action: pan-y; }
    .tick, .axis { font-size: 12.5px; font-variant-numeric: tabular-nums; }
    svg .tick, svg .axis { fill: var(--soft); }
    .grid { stroke: var(--rule); }
    .zero, .notch { stroke: var(--soft); stroke-opacity: .6; }
    .cursor { stroke: var(--soft); stroke-dasharray: 2 3; }
    .mark { fill-opacity: .85; stroke: var(--panel); stroke-width: .8; }
    .line, .trail { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
    .trail { stroke-width: 1; stroke-opacity: .35; }
    .line.score, .trail.score { stroke: var(--score); } .line.score { stroke-dasharray: 7 4; }
    .line.gold, .trail.gold, .spread.gold { stroke: var(--gold); } .line.gold { stroke-width: 2.8; }
    .mark.score, .band.score { fill: var(--score); } .mark.gold, .band.gold { fill: var(--gold); }
    .mark.open { fill: var(--panel); stroke-width: 1.6; }
    .mark.open.score { stroke: var(--score); } .mark.open.gold { stroke: var(--gold); }
    .line.s1, .trail.s1, .spread.s1 { stroke: var(--s1); }
    .line.s2, .trail.s2, .spread.s2 { stroke: var(--s2); }
    .line.s3, .trail.s3, .spread.s3 { stroke: var(--s3); }
    .line.s4, .trail.s4, .spread.s4 { stroke: var(--s4); }
    .line.s5, .trail.s5 { stroke: var(--s5); } .line.s6, .trail.s6 { stroke: var(--s6); }
    .line.s7, .trail.s7 { stroke: var(--s7); } .line.s8, .trail.s8 { stroke: var(--s8); }
    .mark.s5, .band.s5 { fill: var(--s5); } .mark.s6, .band.s6 { fill: var(--s6); }
    .mark.s7, .band.s7 { fill: var(--s7); } .mark.s8, .band.s8 { fill: var(--s8); }
    .line.s5 { stroke-dasharray: 14 4; } .line.s6 { stroke-dasharray: 4 4; }
    .line.s7 { stroke-dasharray: 1.5 8; } .line.s8 { stroke-dasharray: 14 4 1.5 4 1.5 4; }
    .line.s2 { stroke-dasharray: 7 5; } .line.s3 { stroke-dasharray: 1.5 5; }
    .line.s4 { stroke-dasharray: 9 4 1.5 4; }
    .mark.s1, .band.s1 { fill: var(--s1); } .mark.s2, .band.s2 { fill: var(--s2); }
    .mark.s3, .band.s3 { fill: var(--s3); } .mark.s4, .band.s4 { fill: var(--s4); }
    .band { fill-opacity: .16; }
    .bar.s1 { fill: var(--s1); } .bar.s2 { fill: var(--s2); } .bar.s3 { fill: var(--s3); }
    .bar.s4 { fill: var(--s4); } .wide + .charts { margin-top: 1.4rem; }
    .sample { display: grid; } .probes { margin-top: 1.6rem; }
    .sample .mark.s1 { fill-opacity: .45; }
    .base { stroke: var(--rule); stroke-width: 2; stroke-linecap: round; }
    .spread { stroke-width: 4; stroke-opacity: .45; stroke-linecap: round; }
    .reference { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 4 3; }
    svg .reference-label { font-size: 12.5px; fill: var(--soft); paint-order: stroke;
      stroke: var(--panel); stroke-width: 4px; stroke-linejoin: round; }
    .interval { max-width: 20rem; margin: .4rem 0; }
    .interval .tick { font-size: 11px; }
    .tip { position: absolute; z-index: 1; pointer-events: none; padding: .35rem .6rem;
      background: var(--ink); color: var(--page); border-radius: .35rem; font-size: .8rem;
      line-height: 1.4; white-space: nowrap; font-variant-numeric: tabular-nums; }
    .tip[hidden] { display: none; }
    .picture { max-width: 44rem; margin: 1rem 0; }
    .picture figcaption { color: var(--soft); font-size: .875rem; margin-top: .6rem; }
    .box { fill: var(--panel); stroke-width: 2; stroke: var(--soft); }
    .box.plain { stroke-width: 1; } .inner { fill: none; stroke-width: 1; }
    .box.s1 { stroke: var(--s1); } .box.s2, .inner.s2 { stroke: var(--s2); }
    .box.s3, .inner.s3 { stroke: var(--s3); } .box.s4 { stroke: var(--s4); }
    .response { fill: var(--rule); }
    .name { font-size: 16px; font-weight: 600; }
    svg .role, svg .edge { font-size: 13.5px; fill: var(--soft); }
    .copy, .flow { fill: none; stroke: var(--soft); stroke-width: 1.6; }
    .copy { stroke-dasharray: 5 4; }
    .head { fill: var(--soft); }
    table { border-collapse: collapse; width: 100%; font-size: .925rem; }
    th { text-align: left; font-size: .82rem; color: var(--soft); font-weight: 600;
      vertical-align: bottom; }
    th, td { padding: .45rem .6rem .45rem 0; border-bottom: 1px solid var(--rule); }
    td { vertical-align: top; }
    .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    .words { overflow-wrap: anywhere; padding-right: 1rem; min-width: 12rem; }
    .number + .words { padding-left: 1rem; }
    .prompt { color: var(--soft); }
    .better { color: var(--better); font-weight: 600; }
    .worse { color: var(--worse); font-weight: 600; }
    .bars th, .bars td { border: 0; padding: .25rem .7rem .25rem 0; vertical-align: middle; }
    .bars th { font-size: .9rem; color: var(--ink); font-weight: 500; white-space: nowrap; }
    .bars .track { width: 100%; }
    .bars .track div { height: .8rem; min-width: 2px; background: var(--s1); border-radius: .2rem; }
    .bars .track div + div { margin-top: .15rem; }
    .bars .track .s2 { background: var(--s2); } .bars .track .s3 { background: var(--s3); }
    .bars .track .s4 { background: var(--s4); }
    .bars.three .track div { height: .45rem; }
    .warning { border-left: 4px solid var(--s2); padding: .5rem .9rem; background: var(--panel);
      overflow-wrap: anywhere; margin: .6rem 0; }
    /* Long lines wrap; a shadow at an edge says that there is more beyond it. */
    .excerpt { max-height: 22rem; overflow: auto; padding: 0; border: 0; border-radius: 0;
      background:
        linear-gradient(var(--panel) 30%, transparent) top / 100% 2rem,
        linear-gradient(transparent, var(--panel) 70%) bottom / 100% 2rem,
        linear-gradient(var(--rule), transparent) top / 100% .6rem,
        linear-gradient(transparent, var(--rule)) bottom / 100% .6rem, var(--panel);
      background-repeat: no-repeat; background-attachment: local, local, scroll, scroll, scroll; }
    .scroll { overflow-x: auto; margin: .6rem 0;
      background:
        linear-gradient(to right, var(--page) 30%, transparent) left / 2rem 100%,
        linear-gradient(to left, var(--page) 30%, transparent) right / 2rem 100%,
        linear-gradient(to right, var(--rule), transparent) left / .6rem 100%,
        linear-gradient(to left, var(--rule), transparent) right / .6rem 100%;
      background-repeat: no-repeat; background-attachment: local, local, scroll, scroll; }
    .fits .number { white-space: normal; } .fits tbody th { vertical-align: top; }
    .tinted input { margin: 0 .35rem 0 0; accent-color: var(--s1); }
    .tinted label { white-space: nowrap; margin-right: 1.2rem; cursor: pointer; }
    .scale { display: none; margin: .4rem 0; } .scale span { padding: .1rem .35rem;
      color: var(--ink); }
    .tokens { margin-top: 1.2rem; }
    .rollout { max-width: none; margin: .45rem 0; line-height: 1.9; }
    .samples td:has(.token) { line-height: 1.9; }
    .token, .scale span { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
    .token { padding: .12rem .28rem; border-radius: .25rem; cursor: help; white-space: nowrap; }
    .token:hover { outline: 1px solid var(--soft); }
    .verdict { color: var(--soft); font-size: .85rem; white-space: nowrap; padding-left: .6rem;
      font-variant-numeric: tabular-nums; }
    .readout { display: block; position: sticky; bottom: .5rem; padding: .4rem .7rem;
      background: var(--ink); color: var(--page); border-radius: .35rem; font-size: .8rem;
      line-height: 1.5; font-variant-numeric: tabular-nums; }
    .readout[hidden] { display: none; }
    caption { text-align: left; color: var(--soft); font-size: .875rem; padding: .4rem 0; }
    .compared th, .compared td { padding-right: 1.4rem; vertical-align: top; }
    .compared thead .number { white-space: normal; min-width: 6rem; }
    .compared th:first-child { position: sticky; left: 0; background: var(--page); }
    .compared tbody th { color: var(--ink); font-weight: 500; white-space: nowrap; }
    .names { text-align: right; min-width: 8rem; }
    .dense th, .dense td { padding: .15rem .6rem .15rem 0; font-size: .85rem; white-space: nowrap; }
    .part { margin: 1.4rem 0 .5rem; }
    details { margin-top: .6rem; }
    summary { cursor: pointer; color: var(--s1); margin-bottom: .7rem; }
    pre { background: var(--panel); border: 1px solid var(--rule); border-radius: .6rem;
      padding: 1rem; overflow-x: auto; margin: 0; white-space: pre-wrap; }
    .glossary { display: grid; grid-template-columns: max-content 1fr; gap: .45rem 1.5rem;
      font-size: .925rem; margin: 0; }
    .glossary dd { margin: 0; }
    @media (max-width: 44rem) {
      nav { flex-wrap: nowrap; overflow-x: auto; }
      body { padding: 1.5rem 1rem 3rem; }
      .chart .tick, .chart .axis, svg .reference-label { font-size: 15.5px; }
      .bars th { white-space: normal; }
      /* A whole response is a label: it has a line of its own. */
      .bars.three tr { display: grid; grid-template-columns: 1fr auto; }
      .bars.three th { grid-column: 1 / -1; padding-bottom: 0; }
      .bars th .unit { display: block; margin: 0; white-space: nowrap; }
      svg .role, svg .edge { font-size: 16px; } .name { font-size: 18px; }
      /* One choice a line: a line break must not part a button from its label. */
      .tinted label::after { content: "\\A"; white-space: pre; }
      .stage { grid-template-columns: minmax(0, 1fr); }
      .controls output { min-width: 0; flex-basis: 100%; }
      .watched .words { min-height: 4.2em; }
      .glossary { grid-template-columns: 1fr; gap: 0; }
      .glossary dd { margin-bottom: .7rem; }
      .samples thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px;
        overflow: hidden; }
      .samples tbody, .samples tr, .samples .words { display: block; }
      .samples tr { padding: .7rem 0; border-bottom: 1px solid var(--rule); }
      .samples td, .samples td.words { border: 0; padding: 0; text-align: left; }
      .samples .number { display: inline-block; margin-right: 1.1rem; }
      .samples .words:not(:first-child) { margin-top: .6rem; }
      .samples td::before { content: attr(data-label) " "; color: var(--soft); font-size: .82rem;
        font-weight: 400; }
      .samples .words::before { display: block; font-weight: 600; }
      /* A name a line, with its value at the other side. */
      .compared.samples td { display: flex; justify-content: space-between; gap: 1rem; margin: 0;
        text-align: right; }
      .compared.samples td::before { text-align: left; white-space: normal; }
      .compared.samples th:first-child { display: block; position: static; padding: 0;
        border: 0; white-space: normal; overflow-wrap: anywhere; }
    }
    @media print {
      :root { --page: #ffffff; --panel: #ffffff; --ink: #000000; --soft: #444444;
        --rule: #cccccc; --s1: #1f5fbf; --s2: #c2510c; --s3: #0f7b5f; --s4: #8440b8;
        --better: #0b6b4b; --worse: #b3261e; --s5: #46681a; --s6: #b0306f; --s7: #4a5d6e;
        --s8: #117a96; --score: #1f5fbf; --gold: #946200; }
      html { font-size: 12px; }
      body { max-width: none; padding: 0; font-size: 1rem; }
      nav, .readout, .controls { display: none; } .scroll { overflow: visible; background: none; }
      .compared .unit { white-space: normal; display: block; margin: 0; }
      .tick, .axis, svg .reference-label { font-size: 15px; }
      /* Browsers leave out backgrounds, which bars are made of. */
      .track div { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      h2, h3 { break-after: avoid; }
      .card, .chart, tr, .picture, .facts { break-inside: avoid; }
      .charts { grid-template-columns: 1fr 1fr; }
      .excerpt { background: none; max-height: none; font-size: .8em; line-height: 1.3; }
      .chart:has(.excerpt) { break-inside: auto; }
      #scenario pre { columns: 2; }
      /* What is folded is printed, but for long lists of responses and of their tokens. */
      details:not(#samples:has(.tinted) *, #tokens *)::details-content { content-visibility: visible; block-size: auto; }
    }

    """
}
