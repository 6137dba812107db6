/// What may be wrong with a page as it is set, each a script with a list of findings.
enum PageChecks {
  static let all = [
    ("texts on each other", overlapping), ("texts beyond their drawing", cut),
    ("labels on curves", covering), ("low contrast", contrast), ("wider than the window", wide),
    ("pictures without words", silent),
  ]

  private static let tools = """
    const meets = (a, b, slack) =>
      Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slack;
    // Digits and letters fill three fifths of the height of their line.
    const ink = ({ left, right, top, bottom }) =>
      ({ left, right, top: top + (bottom - top) / 5, bottom: bottom - (bottom - top) / 5 });
    const drawings = [...document.querySelectorAll("svg[role='img']")];
    const isSeen = element => element.checkVisibility({ visibilityProperty: true })
      && !element.closest(".hidden, [hidden], thead:not(:first-child), title, desc")
      && element.getClientRects().length > 0
      && getComputedStyle(element).clipPath === "none"
      && !(element.closest("thead") && getComputedStyle(element.closest("thead")).clipPath !== "none");
    const texts = () => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const found = [];
      while (walker.nextNode()) {
        const node = walker.currentNode;
        const parent = node.parentElement;
        if (!node.textContent.trim() || parent.closest("script, style") || !isSeen(parent)) continue;
        found.push(node);
      }
      return found;
    };
    """

  private static func script(_ body: String) -> String { "(() => { \(tools) \(body) })()" }

  /// All texts of the page, lines from top to bottom.
  static let overlapping = script(
    """
    const boxes = [];
    for (const node of texts()) {
      const range = document.createRange();
      range.selectNodeContents(node);
      const rects = node.parentElement.closest("svg")
        ? [node.parentElement.getBoundingClientRect()] : [...range.getClientRects()];
      for (const rect of rects) {
        if (rect.width > 1) boxes.push({ node, name: node.textContent.trim(), ...ink(rect) });
      }
    }
    boxes.sort((a, b) => a.top - b.top);
    const found = [];
    boxes.forEach((box, index) => {
      for (let next = index + 1; next < boxes.length && boxes[next].top < box.bottom; next++) {
        if (box.node !== boxes[next].node && meets(box, boxes[next], 1)) {
          found.push(box.name.slice(0, 40) + " ON " + boxes[next].name.slice(0, 40));
        }
      }
    });
    return found.slice(0, 9);
    """)

  static let cut = script(
    """
    return drawings.flatMap(drawing => {
      const frame = drawing.getBoundingClientRect();
      return [...drawing.querySelectorAll("text")].filter(text => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1
          || box.bottom > frame.bottom + 1;
      }).map(text => text.textContent);
    });
    """)

  static let covering = script(
    """
    const found = [];
    for (const drawing of drawings) {
      for (const label of drawing.querySelectorAll(".reference-label")) {
        const { x, y, width, height } = label.getBBox();
        for (const path of drawing.querySelectorAll("path")) {
          for (let along = 0; along <= path.getTotalLength(); along += 1) {
            const point = path.getPointAtLength(along);
            if (point.x > x && point.x < x + width && point.y > y && point.y < y + height) {
              found.push(label.textContent);
              break;
            }
          }
        }
        for (const mark of drawing.querySelectorAll(".mark:not([visibility])")) {
          if (meets(mark.getBoundingClientRect(), label.getBoundingClientRect(), 0)) {
            found.push(label.textContent);
          }
        }
      }
    }
    return found;
    """)

  /// Below 4.5 to 1, or 3 to 1 of large text (WCAG 2.2, 1.4.3).
  static let contrast = script(
    """
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const known = new Map();
    const color = text => {
      if (!known.has(text)) {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = text;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        known.set(text, [r, g, b, a / 255]);
      }
      return known.get(text);
    };
    const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
    const ground = element => {
      const layers = [];
      for (let at = element; at; at = at.parentElement) layers.push(getComputedStyle(at).backgroundColor);
      return layers.reverse().reduce((below, layer) => over(color(layer), below), [255, 255, 255]);
    };
    const light = rgb => {
      const [r, g, b] = rgb.map(v => v / 255).map(
        v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = new Set();
    for (const node of texts()) {
      const style = getComputedStyle(node.parentElement);
      const below = ground(node.parentElement);
      const ink = color(node.parentElement.closest("svg") ? style.fill : style.color);
      const [a, b] = [light(over(ink, below)), light(below)].sort((x, y) => y - x);
      const size = parseFloat(style.fontSize);
      const isLarge = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < (isLarge ? 3 : 4.5)) {
        found.add(node.textContent.trim().slice(0, 30) + " " + ratio.toFixed(2)
          + " " + node.parentElement.className);
      }
    }
    return [...found].slice(0, 9);
    """)

  static let wide = script(
    """
    return document.documentElement.scrollWidth > innerWidth
      ? ["" + document.documentElement.scrollWidth] : [];
    """)

  /// Drawings that say nothing to those who do not see them, and controls without a name.
  static let silent = script(
    """
    const mute = drawings.filter(drawing => !drawing.querySelector("title")?.textContent.trim())
      .map(drawing => drawing.outerHTML.slice(0, 80));
    const unnamed = [...document.querySelectorAll("input, button, select")].filter(control =>
      !control.textContent.trim() && !control.labels?.[0]?.textContent.trim()
        && !control.getAttribute("aria-label")).map(control => control.outerHTML.slice(0, 80));
    return [...mute, ...unnamed];
    """)
}
