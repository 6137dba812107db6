import Foundation
import Statistics

/// A chart of any figure of the cells against any other, chosen on the page.
struct FigureExplorer {
  struct Cell {
    /// The number of its group.
    let group: Int
    let figures: [(name: String, value: Double)]
  }

  let groups: [String]
  let cells: [Cell]

  var section: ReportSection? {
    let names = Set(cells.flatMap { $0.figures.map(\.name) }).sorted()
    guard names.count > 1, let data = json(names) else { return nil }
    func choice(_ title: String, _ id: String, _ preferred: [String]) -> Markup {
      let chosen = preferred.first(where: names.contains) ?? names[0]
      return element("label") {
        title + " "
        element("select", ["id": id]) {
          for name in names {
            element("option", name == chosen ? ["selected": "selected"] : [:]) { name }
          }
        }
      }
    }
    return ReportSection(id: "explorer", title: "Any figure against any other") {
      element("p") {
        choice("Across:", "across", ["ppo.kl_exact.mean"])
        " "
        choice("Up:", "up", ["gain_sd.gold", "ppo.gold.mean", "reward.accuracy.value"])
      }
      element("div", ["class": "wide"]) {
        element("figure", ["class": "chart"]) {
          if groups.count <= RunGroup.mostInChart { key }
          element("svg", ["viewBox": "0 0 480 254", "role": "img", "id": "explored"])
          element("p", ["class": "note", "id": "pointed"]) {
            "A small mark is a cell, a large one the mean of a setting's seeds. Point at one for its name."
          }
        }
      }
      data
      element("script") { Markup.verbatim(Self.javaScript) }
    }
  }

  private var key: Markup {
    legend(
      groups.enumerated().map { index, name in
        (
          element(
            "circle", ["class": "mark s\(LineChart.style(index))", "cx": "17", "cy": "5", "r": "4"]),
          name
        )
      })
  }

  /// The figures by column.
  private func json(_ names: [String]) -> Markup? {
    struct Data: Encodable {
      let groups: [String]
      let group: [Int]
      let figures: [String: [Double?]]
    }
    let tables = cells.map { cell in
      Dictionary(cell.figures.map { ($0.name, $0.value) }) { first, _ in first }
    }
    let columns = names.map { name in
      (name, tables.map { table in table[name].map { Double(String(format: "%.5g", $0)) ?? 0 } })
    }
    let data = Data(
      groups: groups, group: cells.map(\.group), figures: Dictionary(uniqueKeysWithValues: columns))
    return Markup.json(data, id: "explorer-data")
  }

  private static let javaScript = """
    //<![CDATA[
    "use strict";
    {
      const data = JSON.parse(document.getElementById("explorer-data").textContent);
      const svg = document.getElementById("explored");
      const pointed = document.getElementById("pointed");
      const [left, right, top, bottom] = [60, 460, 12, 210];
      const make = (name, attributes, text) => {
        const item = document.createElementNS("http://www.w3.org/2000/svg", name);
        for (const key in attributes) item.setAttribute(key, attributes[key]);
        if (text !== undefined) item.textContent = text;
        svg.append(item);
        return item;
      };
      const shown = value => String(Number(value.toPrecision(3))).replace("-", "−");
      const ticks = (low, high) => {
        const power = 10 ** Math.floor(Math.log10((high - low) / 4));
        const step = power * [1, 2, 5, 10].find(factor => factor * power >= (high - low) / 5);
        const found = [];
        for (let at = Math.ceil(low / step); at * step <= high; at++) found.push(at * step);
        return found;
      };
      const range = values => {
        const [low, high] = [Math.min(...values), Math.max(...values)];
        const margin = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
        return [low - margin, high + margin];
      };
      const draw = () => {
        const names = ["across", "up"].map(id => document.getElementById(id).value);
        const [xs, ys] = names.map(name => data.figures[name]);
        const cells = data.group.map((group, index) => ({ group, x: xs[index], y: ys[index] }))
          .filter(cell => cell.x !== null && cell.y !== null);
        svg.replaceChildren();
        make("title", {}, names[1] + " against " + names[0]);
        if (cells.length === 0) return;
        const [horizontal, vertical] = [range(cells.map(c => c.x)), range(cells.map(c => c.y))];
        const px = x => left + (x - horizontal[0]) / (horizontal[1] - horizontal[0]) * (right - left);
        const py = y => bottom - (y - vertical[0]) / (vertical[1] - vertical[0]) * (bottom - top);
        for (const tick of ticks(...vertical)) {
          make("line", { class: "grid", x1: left, x2: right, y1: py(tick), y2: py(tick) });
          make("text", { class: "tick", x: left - 6, y: py(tick) + 4, "text-anchor": "end" },
            shown(tick));
        }
        for (const tick of ticks(...horizontal)) {
          make("line", { class: "notch", x1: px(tick), x2: px(tick), y1: bottom, y2: bottom + 4 });
          make("text", { class: "tick", x: px(tick), y: bottom + 17, "text-anchor": "middle" },
            shown(tick));
        }
        make("text", { class: "axis", x: (left + right) / 2, y: 248, "text-anchor": "middle" },
          names[0]);
        const mark = (x, y, group, r, text) => {
          const dot = make("circle",
            { class: "mark s" + (group % 8 + 1), cx: px(x), cy: py(y), r, opacity: r > 3 ? 1 : 0.6 });
          dot.addEventListener("pointerover", () => { pointed.textContent = text; });
        };
        const say = (group, x, y) =>
          data.groups[group] + ": " + names[0] + " " + shown(x) + ", " + names[1] + " " + shown(y);
        for (const cell of cells) {
          mark(cell.x, cell.y, cell.group, 2.5, say(cell.group, cell.x, cell.y));
        }
        data.groups.forEach((name, group) => {
          const some = cells.filter(cell => cell.group === group);
          if (some.length < 2) return;
          const mean = key => some.reduce((sum, cell) => sum + cell[key], 0) / some.length;
          mark(mean("x"), mean("y"), group, 5, say(group, mean("x"), mean("y")) + " (mean)");
        });
      };
      for (const id of ["across", "up"]) document.getElementById(id).addEventListener("change", draw);
      draw();
    }
    //]]>
    """
}
