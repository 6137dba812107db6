/// The scripts of a page: the values of a chart under the pointer or at the arrow keys, the slider
/// through the iterations, the numbers of a token. The page says everything without them too.
///
/// Wrapped so that the page is well-formed XML as well as HTML. Text is set as text, never as markup.
enum ReportScript {
  static let javaScript = """
    //<![CDATA[
    "use strict";
    \(charts)
    \(slider)
    \(tokens)
    //]]>
    """

  private static let charts = """
    for (const svg of document.querySelectorAll("svg[data-chart]")) {
      const chart = JSON.parse(svg.dataset.chart);
      const [left, top, width, height] = chart.plot;
      const tip = svg.parentNode.querySelector(".tip");
      const cursor = svg.querySelector(".cursor");
      const place = (value, range) => (value - range[0]) / (range[1] - range[0]);
      const x = value => left + place(value, chart.horizontal) * width;
      const y = value => top + (1 - place(value, chart.vertical)) * height;
      const stops = [...new Set(chart.series.flatMap(line => line.x))].sort((a, b) => a - b);
      const dots = chart.series.map((line, index) => {
        const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
        dot.setAttribute("class", "mark " + line.style);
        dot.setAttribute("r", 5);
        dot.setAttribute("visibility", "hidden");
        svg.append(dot);
        return dot;
      });
      const text = value => {
        const size = Math.abs(value);
        if (size === 0) return "0";
        if (size < 0.001 || size >= 1e6) return value.toExponential(2).replaceAll("-", "−");
        return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4)
          .replace("-", "−").replace(/(\\.\\d*?)0+$/, "$1").replace(/\\.$/, "");
      };
      let at = stops.length - 1;
      const nearest = (values, target) => values.reduce((best, value, index) =>
        Math.abs(value - target) < Math.abs(values[best] - target) ? index : best, 0);
      const said = (line, value) => line.scale
        ? text(value) + " sd (raw " + text(line.scale[0] + value * line.scale[1]) + ")" : text(value);
      const point = () => {
        const value = stops[at];
        const lines = [];
        chart.series.forEach((line, index) => {
          const dot = dots[index];
          dot.setAttribute("visibility", "hidden");
          if (line.x.length === 0) return;
          const found = nearest(line.x, value);
          if (Math.abs(x(line.x[found]) - x(value)) > 12) return;
          dot.setAttribute("cx", x(line.x[found]));
          dot.setAttribute("cy", y(line.y[found]));
          dot.setAttribute("visibility", "visible");
          lines.push(line.name + ": " + said(line, line.y[found]));
        });
        cursor.setAttribute("x1", x(value));
        cursor.setAttribute("x2", x(value));
        cursor.setAttribute("visibility", "visible");
        return [value, lines];
      };
      const show = () => {
        const [value, lines] = point();
        tip.replaceChildren();
        for (const line of [chart.title + " " + text(value), ...lines]) {
          const row = document.createElement("div");
          row.textContent = line;
          tip.append(row);
        }
        tip.hidden = false;
        const scale = svg.clientWidth / svg.viewBox.baseVal.width;
        const middle = svg.offsetLeft || svg.getBoundingClientRect().left
          - svg.parentNode.getBoundingClientRect().left;
        const there = middle + x(value) * scale;
        const box = svg.parentNode.clientWidth;
        const side = there + 12 + tip.offsetWidth > box ? there - 12 - tip.offsetWidth : there + 12;
        tip.style.left = Math.max(4, Math.min(side, box - tip.offsetWidth - 4)) + "px";
        tip.style.top = svg.getBoundingClientRect().top
          - svg.parentNode.getBoundingClientRect().top + 8 + "px";
      };
      const hide = () => {
        tip.hidden = true;
        for (const mark of [cursor, ...dots]) mark.setAttribute("visibility", "hidden");
      };
      // The slider says where it is.
      svg.addEventListener("seek", event => {
        at = nearest(stops, event.detail);
        point();
      });
      svg.addEventListener("pointermove", event => {
        const frame = svg.getBoundingClientRect();
        const target = (event.clientX - frame.left) / frame.width * svg.viewBox.baseVal.width;
        at = nearest(stops.map(x), target);
        show();
      });
      svg.addEventListener("pointerleave", hide);
      svg.addEventListener("focus", () => { if (svg.matches(":focus-visible")) show(); });
      svg.addEventListener("blur", hide);
      svg.addEventListener("keydown", event => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (event.key === "Escape") hide();
        if (!step) return;
        event.preventDefault();
        at = Math.max(0, Math.min(stops.length - 1, at + step));
        show();
      });
    }
    """

  private static let slider = """
    for (const watch of document.querySelectorAll(".watch")) {
      const source = watch.querySelector("script");
      if (!source) continue;
      const data = JSON.parse(source.textContent);
      const find = name => watch.querySelector(name);
      const [slider, button, output] = ["input", "button", "output"].map(find);
      const [dial, chart] = [find(".dial"), find("svg[data-chart]")];
      const [limit, widest, middle, foot, radius] = dial.dataset.dial.split(" ").map(Number);
      const signed = (value, digits) =>
        (Number(value.toFixed(digits)) < 0 ? "−" : "+") + Math.abs(value).toFixed(digits);
      const within = (value, size) => Math.max(-1, Math.min(1, value / size));
      const rim = value => {
        const angle = within(value, limit) * widest * Math.PI / 180;
        return (middle + radius * Math.sin(angle)).toFixed(1) + " "
          + (foot - radius * Math.cos(angle)).toFixed(1);
      };
      const say = (parent, role, value) => {
        const text = parent.querySelector("b." + role);
        if (text) text.textContent = value === null ? "–" : signed(value, 1) + " sd";
      };
      const move = (parent, role, value, size) => {
        const mark = parent.querySelector(".mark." + role);
        if (!mark || value === null) return;
        const x = 60 + within(value, size) * 54;
        if (role === "gold") mark.setAttribute("cx", x);
        else mark.setAttribute("x", x - 5);
      };
      const show = () => {
        const at = Number(slider.value);
        const both = { score: data.score[at], gold: data.gold[at] };
        for (const role in both) {
          const needle = dial.querySelector(".needle." + role);
          const value = both[role];
          if (needle && value !== null) {
            needle.setAttribute("transform",
              "rotate(" + [within(value, limit) * widest, middle, foot].join(" ") + ")");
          }
          say(watch, role, value);
        }
        if (both.score !== null && both.gold !== null) {
          const arc = ["A", radius, radius, 0, 0, both.score > both.gold ? 1 : 0].join(" ");
          dial.querySelector(".gap").setAttribute("d",
            "M" + middle + " " + foot + "L" + rim(both.gold) + arc + " " + rim(both.score) + "Z");
        }
        for (const meter of watch.querySelectorAll(".meter")) {
          const value = data[meter.dataset.key][at];
          if (value === null) continue;
          meter.querySelector("b").textContent = value.toFixed(1).replace("-", "−");
          meter.querySelector(".track div").style.width =
            100 * Math.max(0, Math.min(1, value / Number(meter.dataset.most))) + "%";
        }
        [...watch.querySelectorAll(".watched tbody tr")].forEach((row, index) => {
          row.querySelector(".said").textContent = data.texts[at][index] || "(nothing)";
          const strip = row.querySelector(".strip");
          const numbers = row.querySelectorAll(".number");
          [["score", data.scores], ["gold", data.golds]].forEach(([role, all], column) => {
            const value = all[at][index];
            numbers[column].textContent = value === null ? "–" : signed(value, 1);
            move(strip, role, value, Number(strip.dataset.limit));
          });
        });
        const words = at === 0 ? "before the first iteration: the SFT policy"
          : "after " + data.iterations[at] + " of " + data.iterations.at(-1) + " iterations";
        output.textContent = words;
        const said = Object.entries(both).filter(entry => entry[1] !== null).map(
          ([role, value]) => (role === "gold" ? role : data.judge) + " " + signed(value, 1) + " sd");
        slider.setAttribute("aria-valuetext", [words, ...said].join(", "));
        if (chart) chart.dispatchEvent(new CustomEvent("seek", { detail: data.iterations[at] }));
      };
      let timer = null;
      const stop = () => {
        clearInterval(timer);
        timer = null;
        button.textContent = "Play";
      };
      button.addEventListener("click", () => {
        if (timer !== null) return stop();
        if (slider.value === slider.max) slider.value = 0;
        button.textContent = "Pause";
        timer = setInterval(() => {
          slider.value = Number(slider.value) + 1;
          show();
          if (slider.value === slider.max) stop();
        }, Math.max(60, 6000 / data.iterations.length));
      });
      slider.addEventListener("input", () => { stop(); show(); });
      // What was pointed at is over; the marks go back to the slider's place.
      for (const end of ["pointerleave", "blur"]) if (chart) chart.addEventListener(end, show);
      find(".controls").hidden = false;
      show();
    }
    """

  private static let tokens = """
    for (const tinted of document.querySelectorAll(".tinted")) {
      const readout = tinted.querySelector(".readout");
      const show = event => {
        const token = event.target.closest(".token");
        readout.hidden = !token;
        if (token) readout.textContent = token.title.replaceAll("\\n", " · ");
      };
      // A finger has no hover, and a title is shown late.
      tinted.addEventListener("click", show);
      tinted.addEventListener("pointerover", show);
      tinted.addEventListener("pointerleave", () => { readout.hidden = true; });
    }
    """
}
