/// The script that shows the values of a chart under the pointer, or at the arrow keys, and the
/// numbers of a token below it. The page says everything without it too.
///
/// Wrapped so that the page is well-formed XML as well as HTML.
enum ReportScript {
  static let javaScript = """
    //<![CDATA[
    "use strict";
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
        dot.setAttribute("class", "mark s" + (index % 8 + 1));
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
      const show = () => {
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
          lines.push(line.name + ": " + text(line.y[found]));
        });
        cursor.setAttribute("x1", x(value));
        cursor.setAttribute("x2", x(value));
        cursor.setAttribute("visibility", "visible");
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
        const point = middle + x(value) * scale;
        const box = svg.parentNode.clientWidth;
        const side = point + 12 + tip.offsetWidth > box ? point - 12 - tip.offsetWidth : point + 12;
        tip.style.left = Math.max(4, Math.min(side, box - tip.offsetWidth - 4)) + "px";
        tip.style.top = svg.getBoundingClientRect().top
          - svg.parentNode.getBoundingClientRect().top + 8 + "px";
      };
      const hide = () => {
        tip.hidden = true;
        for (const mark of [cursor, ...dots]) mark.setAttribute("visibility", "hidden");
      };
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
    //]]>
    """
}
