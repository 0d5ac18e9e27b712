// Two drawings over the same days: lines a day as bars, the machine's error rate as a curve.
const BARS = { left: 52, right: 14, top: 14, bottom: 30, height_px: 150 };

// Returns round numbers from 0 to at least `most`, about four of them.
function marksTo(most) {
  if (!(most > 0)) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const marks = [];
  for (let mark = 0; mark < most + step * 0.999; mark += step) marks.push(Number(mark.toPrecision(6)));
  return marks;
}

class DayPlot {
  // title, words: what it shows, for eyes and for ears; written: a mark of the axis in words.
  constructor(title, written, draw) {
    const { h } = window.htr;
    Object.assign(this, { title, written, drawInto: draw });
    this.drawing = h("div", { class: "drawing" });
    this.caption = h("figcaption", { class: "soft small" });
    this.element = h("figure", { class: "plot" }, h("h2", {}, title), this.drawing, this.caption);
    new ResizeObserver(() => this.draw()).observe(this.drawing);
  }

  show(days, values, words) {
    Object.assign(this, { days, values, words });
    this.caption.textContent = words;
    this.draw();
  }

  draw() {
    const { h } = window.htr;
    const width_px = Math.round(this.drawing.clientWidth);
    if (!this.days || !width_px || width_px === this.drawn) return;
    this.drawn = width_px;
    const { left, right, top, bottom, height_px } = BARS;
    const marks = marksTo(Math.max(...this.values.filter((value) => value !== null), 0));
    const y = (value) => top + height_px - (value / marks[marks.length - 1]) * height_px;
    const slot_px = (width_px - left - right) / Math.max(1, this.days.length);
    const x = (index) => left + (index + 0.5) * slot_px;
    const every = Math.ceil(this.days.length / Math.max(2, Math.floor((width_px - left) / 110)));
    this.drawing.replaceChildren(h("svg", {
      viewBox: `0 0 ${width_px} ${top + height_px + bottom}`, width: width_px, height: top + height_px + bottom,
      role: "img", "aria-label": `${this.title}. ${this.words}`,
    }, marks.map((mark) => h("g", {},
      h("line", { class: mark ? "grid" : "axis", x1: left, x2: width_px - right, y1: y(mark), y2: y(mark) }),
      h("text", { x: left - 8, y: y(mark) + 4, "text-anchor": "end" }, this.written(mark)))),
    this.days.map((day, index) => (index % every ? null : h("text", { x: x(index), y: top + height_px + 20, "text-anchor": "middle" }, dayWords(day)))),
    this.drawInto(this, x, y, slot_px)));
  }
}

const dayWords = (day) => t.date(`${day}T12:00:00`, { day: "numeric", month: "short" });

// Returns the days from the first to the last, also those on which nobody worked.
function everyDay(days) {
  if (!days.length) return [];
  const all = [];
  const last = days[days.length - 1].day;
  const one = new Date(`${days[0].day}T12:00:00Z`);
  for (let n = 0; n < 5000; n += 1) {
    const day = one.toISOString().slice(0, 10);
    all.push(day);
    if (day >= last) break;
    one.setUTCDate(one.getUTCDate() + 1);
  }
  return all;
}
