// The curve of a run: two panels over the same steps, misread characters above and loss below.
const PLOT = { left: 52, right: 14, top: 22, gap: 40, bottom: 30, cer_px: 120, loss_px: 70 };

// Returns round numbers from 0 to at least `most`, about `about` of them.
function ticks(most, about) {
  if (!(most > 0)) return [0];
  const rough = most / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const marks = [];
  for (let mark = 0; mark < most + step * 0.999; mark += step) marks.push(Number(mark.toPrecision(6)));
  return marks;
}

// Returns what the curve shows, in words; over: the run has ended.
function plotWords({ curve, steps, before, over }) {
  const measured = curve.filter((point) => point.cer !== null);
  const now = curve.length ? curve[curve.length - 1].step : 0;
  const words = over ? [] : [steps ? t`Step ${now} of ${steps}.` : t`Step ${now}.`];
  if (before !== null) words.push(over ? t`The model before misreads ${percent(before)} of the characters of the test lines.` : t`The current model misreads ${percent(before)} of the characters of the test lines.`);
  if (measured.length) {
    const best = measured.reduce((a, b) => (b.cer < a.cer ? b : a));
    const last = percent(measured[measured.length - 1].cer);
    words.push(over ? t`The model in training misread ${last} of those watched at the end; its best was ${percent(best.cer)}, at step ${best.step}.`
      : t`The model in training misreads ${last} now; its best so far was ${percent(best.cer)}, at step ${best.step}.`);
  } else if (!over) words.push(t`The test lines have not been read yet.`);
  return words.join(" ");
}

class Plot {
  constructor() {
    const { h } = window.htr;
    this.drawing = h("div", { class: "drawing" });
    this.caption = h("figcaption", { class: "soft small" });
    this.element = h("figure", { class: "plot" }, this.drawing, this.caption);
    new ResizeObserver(() => this.draw()).observe(this.drawing);
  }

  // curve: [{step, loss, cer}], either of which may be null; before: CER of the model before.
  show(curve, steps, before, over = false) {
    this.shown = { curve, steps, before, over };
    this.draw();
  }

  draw() {
    const width_px = Math.round(this.drawing.clientWidth);
    const drawn = JSON.stringify([width_px, this.shown]);
    if (!this.shown || !width_px || drawn === this.drawn) return;
    this.drawn = drawn;
    const { h } = window.htr;
    const { curve, steps, before } = this.shown;
    const { top, gap, bottom, cer_px, loss_px } = PLOT;
    const height_px = top + cer_px + gap + loss_px + bottom;
    const words = plotWords(this.shown);
    this.caption.textContent = words;
    const last = curve.length ? curve[curve.length - 1].step : 0;
    const most = Math.max(steps || 0, last, 10);
    this.width_px = width_px;
    this.x = (step) => PLOT.left + (step / most) * (width_px - PLOT.left - PLOT.right);
    const points = (name) => curve.filter((point) => point[name] !== null);
    this.drawing.replaceChildren(h("svg", {
      viewBox: `0 0 ${width_px} ${height_px}`, width: width_px, height: height_px, role: "img",
      "aria-label": t`Curve of the training`, "aria-description": words,
    }, h("title", {}, t`Curve of the training`), h("desc", {}, words),
    this.panel(points("cer"), "cer", top, cer_px, t`misread characters on the test lines`, (value) => `${t.number(Number((100 * value).toFixed(2)))}\u00a0%`, before),
    this.panel(points("loss"), "loss", top + cer_px + gap, loss_px, t`loss on the teaching lines`, (value) => t.number(value), null),
    this.stepMarks(most, height_px - bottom)));
  }

  panel(points, name, top_px, height_px, title, written, before) {
    const { h } = window.htr;
    const values = points.map((point) => point[name]).sort((a, b) => a - b);
    // A wild first loss would press the rest flat: the highest twentieth may leave the panel.
    const high = name === "loss" ? values[Math.floor(0.95 * (values.length - 1))] : values[values.length - 1];
    const marks = ticks(Math.max(high || 0, before || 0) * 1.02 || 1, name === "cer" ? 4 : 2);
    const most = marks[marks.length - 1];
    const y = (value) => top_px + height_px - (Math.min(value, most) / most) * height_px;
    const right_px = this.width_px - PLOT.right;
    const parts = [h("text", { x: PLOT.left, y: top_px - 8, class: "panel-title" }, title)];
    for (const mark of marks) {
      parts.push(h("line", { class: mark ? "grid" : "axis", x1: PLOT.left, x2: right_px, y1: y(mark), y2: y(mark) }),
        h("text", { x: PLOT.left - 8, y: y(mark) + 4, "text-anchor": "end" }, written(mark)));
    }
    if (before !== null) {
      parts.push(h("line", { class: "before", x1: PLOT.left, x2: right_px, y1: y(before), y2: y(before) }),
        h("text", { class: "before-words", x: right_px, y: y(before) - 5, "text-anchor": "end" }, this.shown.over ? t`model before ${percent(before)}` : t`current model ${percent(before)}`));
    }
    const path = points.map((point, index) => `${index ? "L" : "M"}${this.x(point.step).toFixed(1)} ${y(point[name]).toFixed(1)}`).join("");
    if (path) parts.push(h("path", { class: `curve ${name}`, d: path }));
    if (name === "cer") {
      for (const point of points) {
        parts.push(h("circle", { class: "dot", cx: this.x(point.step), cy: y(point.cer), r: 3.2 },
          h("title", {}, t`step ${point.step}: ${percent(point.cer)}`)));
      }
    }
    return h("g", {}, parts);
  }

  stepMarks(most, y) {
    const { h } = window.htr;
    const marks = ticks(most, Math.max(3, Math.min(8, this.width_px / 90))).filter((mark) => mark <= most);
    return h("g", {}, marks.map((mark) => h("text", { x: this.x(mark), y: y + 18, "text-anchor": mark ? "middle" : "start" },
      mark === 0 ? t`step 0` : t.number(mark))));
  }
}
