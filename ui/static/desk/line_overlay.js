// What the line editor draws over the page: points, the line in hand, the rectangle, the cross.
// A picture of its own above the lines, so that dragging repaints nothing else.
class LineOverlay {
  constructor(picture) {
    this.picture = picture;
    this.ghosts = new Map(); // id -> polyline of a line that is being dragged
  }

  open(page) {
    const { h } = window.htr;
    this.points = h("g", { class: "points" });
    this.inHand = h("g", { class: "in-hand" });
    this.svg = h("svg", { class: "overlay", viewBox: `0 0 ${page.width} ${page.height}`, "aria-hidden": "true" },
      this.inHand, this.points);
    this.picture.sheet.append(this.svg);
    this.ghosts.clear();
  }

  // Shows the points of `lines`, the selected `point` filled, and which way each line runs.
  showPoints(lines, point) {
    const { h } = window.htr;
    const dots = this.dots(lines.flatMap((line) => line.baseline));
    const chosen = point === null || lines.length !== 1 ? null
      : h("path", { class: "dot chosen", d: this.spot(lines[0].baseline[point]) });
    this.points.replaceChildren(...lines.map((line) => h("path", { class: "arrow", d: this.arrow(line.baseline) })),
      ...dots, chosen || "");
    this.shown = { lines, point };
  }

  // A spot is a stroke without length: its size on the screen is the same at every zoom.
  spot([x, y]) {
    return `M${x} ${y}h0`;
  }

  // All points in two strokes: a dark rim and a light middle.
  dots(points) {
    const d = points.map((point) => this.spot(point)).join("");
    return ["rim", "dot"].map((name) => window.htr.h("path", { class: name, d }));
  }

  // An open arrow head a little beyond the end of the baseline.
  arrow(points) {
    const [end, before] = [points[points.length - 1], points[points.length - 2]];
    const length = Geometry.distance(end, before) || 1;
    const [dx, dy] = [(end[0] - before[0]) / length, (end[1] - before[1]) / length];
    const size = 7 / this.picture.view.scale;
    const tip = [end[0] + 2.6 * size * dx, end[1] + 2.6 * size * dy];
    const side = (sign) => [tip[0] - size * dx - sign * size * dy, tip[1] - size * dy + sign * size * dx];
    return `M${side(1)}L${tip}L${side(-1)}`;
  }

  // The zoom has changed: what has a size on the screen is drawn anew.
  zoomed() {
    if (this.shown) this.showPoints(this.shown.lines, this.shown.point);
  }

  // Takes lines into the hand: they are drawn here, and not below, until `drop`.
  take(lines) {
    for (const line of lines) {
      const ghost = window.htr.h("polyline", { class: "ghost", points: Geometry.written(line.baseline) });
      this.ghosts.set(line.id, ghost);
      this.inHand.append(ghost);
      this.picture.groups.get(line.id)?.classList.add("dragged");
    }
  }

  drag(id, baseline) {
    this.ghosts.get(id)?.setAttribute("points", Geometry.written(baseline));
  }

  drop() {
    for (const id of this.ghosts.keys()) this.picture.groups.get(id)?.classList.remove("dragged");
    this.ghosts.clear();
    this.inHand.replaceChildren();
  }

  // Shows the line that is being drawn, the rectangle between two corners, the keyboard's cross.
  sketch({ drawing = null, corners = null, cross = null, waiting = [] }) {
    const { h } = window.htr;
    const parts = waiting.map((points) => h("polyline", { class: "ghost waiting", points: Geometry.written(points) }));
    if (drawing?.length) {
      parts.push(h("polyline", { class: "ghost", points: Geometry.written(drawing) }));
      parts.push(...this.dots(drawing));
    }
    if (corners) {
      const [[a, b], [c, d]] = corners;
      parts.push(h("polygon", { class: "box", points: Geometry.written([[a, b], [c, b], [c, d], [a, d]]) }));
    }
    if (cross) {
      const size = 14 / this.picture.view.scale;
      const [x, y] = cross;
      parts.push(h("path", { class: "cross", d: `M${x - size} ${y}h${2 * size}M${x} ${y - size}v${2 * size}` }));
    }
    this.inHand.replaceChildren(...parts);
  }
}
