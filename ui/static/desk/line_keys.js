// The line editor by keyboard; the same list is shown among the keys of the desk.
const CROSS_STEP_PX = 8; // of the screen: the cross crosses a page; lines move by single pixels
const LINE_KEYS = [
  ["E", "F2", t`Edit the lines on the page image; F2 works from within a text as well`],
  ["Esc", t`Let go, one step at a time: tool, point, selection, editing`],
  ["Tab", "]", t`Select the next line; Shift+Tab or [ the one before`],
  ["X", t`Add the next line to the selection; Shift+X the one before`],
  ["Ctrl A", t`Select all lines`],
  [t`click`, t`Select; Shift+click adds or takes away; Shift+drag selects by a rectangle`],
  ["V", "B", t`Tools: select, or select by a rectangle`],
  [t`drag`, t`Move a point, or the selected lines; beside the lines, the page`],
  ["←↑↓→", t`Move the selected point or lines by 1 pixel; with Shift by 10`],
  ["N", "P", t`Select the next or previous point of the line`],
  ["I", t`double-click`, t`Add a point: after the selected one, or where you double-click`],
  ["Delete", t`Remove the selected point, or the selected lines`],
  ["D", t`Draw a line: click, click, double-click or Enter; Backspace takes back a point`],
  ["S", t`Split: at the selected point, or click where`],
  ["Space", t`Drawing or splitting by keyboard: arrows move the cross, Space sets it; with a drag, Space moves the page`],
  ["M", t`Merge the selected lines into the first of them`],
  ["R", t`Reverse the direction of the selected lines`],
  ["T", t`Take lines in that were set aside (of a facing page, or doubtful), or set lines aside`],
  ["Alt ↑", "Alt ↓", t`Move the line up or down in the reading order; or drag its number`],
  ["O", t`Put all lines into automatic reading order`],
  ["Ctrl Z", t`Undo, as often as you like, after a reload too; Ctrl+Shift+Z or Ctrl+Y redoes`],
  ["+", "−", "0", t`Zoom in, zoom out, fit the width; also wheel and pinch`],
];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

Object.assign(LineTools.prototype, {
  showKeys(dialogList) {
    const { h } = window.htr;
    dialogList.append(...LINE_KEYS.flatMap((entry) => [
      h("dt", {}, entry.slice(0, -1).flatMap((key) => [h("kbd", {}, key), " "])), h("dd", {}, entry.at(-1))]));
  },

  // Returns true where the key was ours.
  key(event) {
    const active = document.activeElement;
    const typing = ["TEXTAREA", "INPUT", "SELECT"].includes(active?.tagName);
    if (event.isComposing || document.querySelector("dialog[open]")) return false;
    if (event.key === "F2" || (!this.on && !typing && event.key.toLowerCase() === "e" && !event.ctrlKey && !event.metaKey && !event.altKey)) {
      if (this.on) this.leave();
      else this.enter();
      return true;
    }
    if (!this.on) return false;
    if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key)) {
      const id = typing ? this.picture.current?.id : this.chosen[0]?.id;
      if (id !== undefined) this.shift(id, event.key === "ArrowUp" ? -1 : 1);
      return true;
    }
    if (typing || event.altKey) return false;
    const pressing = active?.tagName === "BUTTON" || active?.tagName === "A";
    if (pressing && ["Enter", " ", "Tab"].includes(event.key)) return false;
    if (event.ctrlKey || event.metaKey) return this.keyWithCtrl(event);
    return this.keyAlone(event);
  },

  keyWithCtrl(event) {
    const key = event.key.toLowerCase();
    if (key === "z") this.step(event.shiftKey ? "redo" : "undo");
    else if (key === "y") this.step("redo");
    else if (key === "a") this.select(this.lines.map((line) => line.id));
    else return false;
    return true;
  },

  step(name) {
    if (this.drawing?.length && name === "undo") this.takeBackPoint();
    else this.change(name, {});
  },

  keyAlone(event) {
    const { key } = event;
    const acts = {
      Escape: () => this.escape(), Tab: () => this.cycle(event.shiftKey ? -1 : 1),
      "]": () => this.cycle(1), "[": () => this.cycle(-1),
      x: () => this.extend(1), X: () => this.extend(-1),
      n: () => this.cyclePoint(1), p: () => this.cyclePoint(-1), i: () => this.insertPoint(),
      Delete: () => this.remove(), Backspace: () => (this.drawing?.length ? this.takeBackPoint() : this.remove()),
      Enter: () => (this.tool === "draw" ? this.finishDrawing() : this.desk.focusText()),
      " ": () => { this.spaceHeld = true; this.picture.holder.classList.add("panning"); },
      v: () => this.act("select"), b: () => this.act("box"), d: () => this.act("draw"), s: () => this.act("split"),
      m: () => this.act("merge"), r: () => this.act("reverse"), t: () => this.act("aside"), o: () => this.act("order"),
      "+": () => this.picture.zoom(ZOOM_STEP), "=": () => this.picture.zoom(ZOOM_STEP), "-": () => this.picture.zoom(1 / ZOOM_STEP),
      0: () => this.picture.fitWidth(),
    };
    const act = acts[key] || acts[key.toLowerCase()];
    if (ARROWS[key]) this.arrow(ARROWS[key], event.shiftKey ? 10 : 1);
    else if (act) act();
    else return false;
    return true;
  },

  keyUp(event) {
    if (event.key !== " " || !this.spaceHeld) return;
    this.spaceHeld = false;
    this.picture.holder.classList.remove("panning");
    if (!this.cross || this.picture.pointers.size) return;
    if (this.tool === "draw") this.addDrawn(this.cross, false);
    else if (this.tool === "split") {
      const near = this.lines.map((line) => ({ line, ...Geometry.nearest(line.baseline, this.cross) }))
        .sort((a, b) => a.distance - b.distance)[0];
      if (near && near.distance * this.picture.view.scale < 3 * REACH_PX) this.split(near.line, near.point);
      else window.htr.message(t`There is no line under the cross. Move it onto a line with the arrow keys.`);
    }
  },

  escape() {
    if (this.drag) this.cancel();
    else if (this.drawing?.length) this.drawing = null;
    else if (this.tool !== "select") this.selectTool("select");
    else if (this.selection.point !== null) this.selection.point = null;
    else if (this.selection.ids.size) this.select([]);
    else {
      this.leave();
      return;
    }
    this.show();
  },

  arrow(step, times) {
    if (["draw", "split"].includes(this.tool)) {
      const far = (CROSS_STEP_PX * times) / this.picture.view.scale;
      const from = this.cross || this.drawing?.at(-1) || this.chosen[0]?.baseline[0] || this.middle();
      this.cross = Geometry.onPage([from[0] + far * step[0], from[1] + far * step[1]], this.desk.page());
      this.sketch(this.cross);
    } else if (this.selection.ids.size) this.nudge([times * step[0], times * step[1]]);
    else this.picture.set({ ...this.picture.view, x: this.picture.view.x - 30 * step[0] * times, y: this.picture.view.y - 30 * step[1] * times });
  },

  middle() {
    const box = this.picture.holder.getBoundingClientRect();
    return this.at({ clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 });
  },

  neighbour(by) {
    const ids = this.lines.map((line) => line.id);
    const [first, last] = [ids.findIndex((id) => this.selection.ids.has(id)), ids.findLastIndex((id) => this.selection.ids.has(id))];
    if (first < 0) return by > 0 ? ids[0] : ids.at(-1);
    return ids[by > 0 ? last + 1 : first - 1];
  },

  cycle(by) {
    const id = this.neighbour(by) ?? (by > 0 ? this.lines[0]?.id : this.lines.at(-1)?.id);
    if (id !== undefined) this.select([id], { follow: true });
  },

  extend(by) {
    const id = this.neighbour(by);
    if (id !== undefined) this.select([...this.selection.ids, id]);
  },

  cyclePoint(by) {
    const [line] = this.chosen;
    if (this.chosen.length !== 1) return;
    const count = line.baseline.length;
    const { point } = this.selection;
    this.selection.point = point === null ? (by > 0 ? 0 : count - 1) : (point + by + count) % count;
    this.show();
  },

  insertPoint() {
    const [line] = this.chosen;
    if (this.chosen.length !== 1) return;
    const { baseline } = line;
    const lengths = baseline.slice(1).map((end, k) => Geometry.distance(baseline[k], end));
    const segment = this.selection.point === null ? lengths.indexOf(Math.max(...lengths))
      : Math.min(this.selection.point, lengths.length - 1);
    const [a, b] = [baseline[segment], baseline[segment + 1]];
    this.addPoint(line, segment, [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
  },

  takeBackPoint() {
    this.drawing = this.drawing.slice(0, -1);
    this.show();
  },
});
