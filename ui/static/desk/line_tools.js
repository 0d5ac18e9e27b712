// The line editor: select, move, draw, split, merge and order the lines on the page image.
// Every act is saved at once; the server answers with the lines as they are then.
const NUDGE_MS = 400; // arrow keys within this time are one change
const DOUBLE_MS = 400;
const REACH_PX = 8; // on the screen, around a baseline; fingers get twice that
const CHANGED_WORDS = {
  move: t`move`, split: t`split`, merge: t`merge`, draw: t`draw`, delete: t`delete`, reorder: t`reorder`, take: t`take in`, aside: t`set aside`,
  place: t`reorder`, shift: t`reorder`, undo: t`undo`, redo: t`redo`, reverse: t`reverse`, order: t`automatic order`, segment: t`new lines`, import: t`lines from a file`,
};
const LINES_SAVED_WORDS = {
  "": "", saving: t`saving…`, saved: t`saved`, refused: t`not saved`,
  offline: t`not saved: no connection, trying again`,
};

class LineTools {
  // `desk`: {element, list, picture, page(), send, read, takeLayout(answer, touched),
  // refresh(), showCurrent(id, follow), focusText()}.
  constructor(desk) {
    this.desk = desk;
    this.picture = desk.picture;
    this.overlay = new LineOverlay(desk.picture);
    this.selection = new Selection();
    this.bar = desk.element.querySelector(".line-tools");
    this.on = false;
    this.tool = "select";
    this.nudged = new Set();
    this.opened = [];
    this.clicked = { time: 0, at: [0, 0] };
    this.picture.editor = this;
    this.picture.selected = this.selection;
    this.bar.addEventListener("click", (event) => {
      const act = event.target.closest("[data-act]")?.dataset.act;
      if (act) this.act(act);
    });
  }

  get lines() { return this.desk.page()?.lines || []; }
  get chosen() { return this.lines.filter((line) => this.selection.ids.has(line.id)); }
  get unsaved() { return this.nudged.size > 0 || this.opened.some((changes) => changes.unsaved); }
  get touched() {
    return new Set([...this.changes.touched, ...this.nudged, ...this.overlay.ghosts.keys()]);
  }

  // A page was opened (call `settle` before): what is still being saved of the one before goes on by itself.
  open(page) {
    this.cancel();
    const told = (name, elsewhere = () => {}) => (...what) => (this.changes === changes ? this[name](...what) : elsewhere(...what));
    const left = (why) => window.htr.message(t`A change of lines on page ${page.number}, which you have left, was not saved. ${why}`, { kind: "error" });
    const changes = new LineChanges(page, this.desk.send, this.desk.read, {
      answered: told("answered"), read: told("readAgain"), changed: told("showSteps"),
      refused: told("refused", left),
      conflict: told("conflict", (answer) => left(t`${answer.conflict || t`Somebody`} had changed them in the meantime.`)),
      waiting: (author, items) => this.askAbout(changes, author, items),
    });
    const before = this.opened.find((other) => other.unsaved && other.page.id === page.id);
    const rest = before ? before.handOver() : this.keptOf(changes);
    this.opened = [...this.opened.filter((other) => other.unsaved), changes];
    this.changes = changes;
    this.drawing = null;
    this.selection.set([]);
    this.overlay.open(page);
    this.show();
    if (rest.items.length) this.takeUp(rest);
    else if (page.lines.some((line) => line.unread)) changes.readChanged(); // a stopped server left them
  }

  // What an earlier tab of this browser could not save of the page.
  keptOf(changes) {
    const items = changes.kept.all((count) => window.htr.message(
      t`${count} [change|changes] of lines on this page could not be saved before its image was turned or cropped, and [fits|fit] it no more.`,
      { kind: "error" }));
    return { items, known: items[0]?.known };
  }

  takeUp({ items, known }) {
    for (const { change } of items) {
      if (change.what === "move") this.putHere(new Map(change.baselines.map(({ line, points }) => [line, points])));
    }
    this.changes.takeUp(items, known);
    this.show();
  }

  // Somebody changed the page after this browser made changes that it could not save: a person says
  // whether they are still wanted. Until then they stay kept.
  askAbout(changes, author, items) {
    const { h, message } = window.htr;
    const number = changes.page.number;
    const made = [...new Set(items.map(({ change }) => CHANGED_WORDS[change.what] || change.what))].join(", ");
    this.asking?.remove(); // of an earlier visit to the page
    const box = this.asking = message(t`${author || t`Somebody`} changed the lines of page ${number} after you did. What you changed could not be saved then and is kept in this browser: ${items.length} [change|changes] (${made}).`, {
      kind: "error", action: t`Make them now`,
      onAction: () => {
        if (this.changes !== changes) message(t`Open page ${number} again: your changes wait there.`);
        else if (!changes.makeAnyway(items)) message(t`They were steps of undo and redo, which fit the page no more; they were dropped.`);
      },
    });
    const drop = h("button", { type: "button", onclick: () => { box.remove(); changes.kept.drop(items); } }, t`Drop them`);
    box.insertBefore(drop, box.lastElementChild);
  }

  // ---- the mode ------------------------------------------------------------------------------
  enter() {
    if (this.on || !this.desk.page()) return;
    this.on = true;
    this.desk.element.querySelector(".desk").classList.add("editing-lines");
    this.bar.hidden = false;
    this.desk.element.querySelector('[data-tool="edit"]').setAttribute("aria-pressed", "true");
    this.picture.holder.tabIndex = 0;
    this.picture.holder.focus({ preventScroll: true });
    this.selectTool("select");
    const current = this.picture.current;
    if (current && this.lines.includes(current)) this.select([current.id], { follow: true });
  }

  leave() {
    if (!this.on) return;
    this.settle();
    this.cancel();
    this.drawing = null;
    this.select([]);
    this.on = false;
    this.desk.element.querySelector(".desk").classList.remove("editing-lines");
    this.bar.hidden = true;
    this.desk.element.querySelector('[data-tool="edit"]').setAttribute("aria-pressed", "false");
    this.picture.holder.removeAttribute("tabindex");
    this.show();
    this.desk.focusText();
  }

  selectTool(name) {
    this.tool = name;
    this.drawing = null;
    this.cross = null;
    this.picture.holder.dataset.tool = name;
    this.show();
  }

  // ---- what is shown -------------------------------------------------------------------------
  select(ids, { point = null, follow = false } = {}) {
    this.selection.set(ids, point);
    if (this.selection.ids.size === 1) this.desk.showCurrent([...this.selection.ids][0], follow);
    this.show();
  }

  show() {
    if (!this.changes) return;
    this.selection.keep(this.lines);
    for (const line of this.lines) this.picture.mark(line);
    const chosen = this.on ? this.chosen : [];
    this.overlay.showPoints(chosen.length <= SHOW_POINTS_OF ? chosen : [], this.selection.point);
    if (!this.drag) this.sketch();
    this.showSteps();
  }

  sketch(at = null) {
    const drawing = this.drawing && at ? [...this.drawing, at] : this.drawing;
    this.overlay.sketch({ drawing, corners: this.corners, cross: this.cross, waiting: this.waiting() });
  }

  // Drawn lines that the server has not numbered yet.
  waiting() {
    return this.changes.queue.filter((item) => item.change.what === "draw").map((item) => item.change.points);
  }

  showSteps() {
    const page = this.desk.page();
    if (!this.on || !page) return;
    const busy = this.changes.unsaved || this.nudged.size > 0;
    const button = (act) => this.bar.querySelector(`[data-act="${act}"]`);
    for (const act of ["undo", "redo"]) {
      button(act).disabled = !page[act] && !busy;
      const words = act === "undo" ? t`Undo` : t`Redo`;
      button(act).title = page[act] ? `${words}: ${CHANGED_WORDS[page[act]]}` : words;
    }
    for (const act of ["select", "box", "draw", "split"]) button(act).setAttribute("aria-pressed", String(this.tool === act));
    const count = this.selection.ids.size;
    button("merge").disabled = count < 2;
    for (const act of ["delete", "reverse"]) button(act).disabled = !count;
    this.showAside();
    this.bar.querySelector(".chosen").textContent = this.words();
    const mark = this.bar.querySelector(".lines-saved");
    const state = this.nudged.size ? "saving" : this.changes.state;
    mark.dataset.state = state;
    mark.textContent = LINES_SAVED_WORDS[state];
  }

  // One button: what lines are set aside is taken in, and else the lines are set aside.
  showAside() {
    const button = this.bar.querySelector('[data-act="aside"]');
    button.disabled = !this.selection.ids.size;
    button.textContent = this.chosen.some(isAside) ? t`Take in` : t`Set aside`;
  }

  words() {
    if (this.tool === "draw") {
      return this.drawing?.length ? t`Click for the next point; double-click or Enter ends the line`
        : t`Click where the line begins`;
    }
    if (this.tool === "split") return t`Click on a line where it is to be cut`;
    if (this.tool === "box") return t`Draw a rectangle over the lines to select`;
    const [line] = this.chosen;
    if (!line) return t`Click a line, or press Tab`;
    if (this.chosen.length > 1) return t`${this.chosen.length} [line|lines] selected`;
    const number = this.lines.indexOf(line) + 1;
    const points = t`line ${number}, ${line.baseline.length} [point|points]`;
    return this.selection.point === null ? points : t`${points}, point ${this.selection.point + 1} selected`;
  }

  // A text got the keyboard: its line is the one that is meant.
  choose(id) {
    this.selection.set([id]);
    this.show();
  }

  // ---- what the server says ------------------------------------------------------------------
  answered(answer) {
    const before = new Set(this.lines.map((line) => line.id));
    this.desk.takeLayout(answer, this.touched);
    const fresh = answer.lines.filter((line) => !before.has(line.id)).map((line) => line.id);
    if (this.on && fresh.length === 1 && !this.drag) this.select(fresh);
    else this.show();
  }

  readAgain(lines) {
    this.desk.takeLayout({ lines }, this.touched);
  }

  // The page was read anew, with what other tabs and people did; not while something of ours is on
  // its way, which comes first.
  refreshed(answer) {
    if (this.unsaved || this.drag) return;
    this.changes.known = answer.layout;
    this.desk.takeLayout(answer, new Set());
    this.show();
  }

  refused(sentence, lost) {
    this.nudged.clear();
    const more = lost > 1 ? t` ${lost - 1} more [change that followed it was|changes that followed it were] not saved either.` : "";
    window.htr.message(`${sentence}${more}`, { kind: "error" });
    this.show();
    this.desk.refresh();
  }

  conflict(answer, lost) {
    this.nudged.clear();
    const what = lost > 1 ? t`Your last ${lost} changes were not saved; this is the page as it is now.` : t`Your last change was not saved; this is the page as it is now.`;
    window.htr.message(`${t`${answer.conflict || t`Somebody`} changed the lines of this page in the meantime.`} ${what}`, { kind: "error" });
    this.cancel();
    this.desk.takeLayout(answer, new Set());
    this.show();
  }

  // ---- acts ----------------------------------------------------------------------------------
  act(name) {
    if (["select", "box", "draw"].includes(name)) this.selectTool(name);
    else if (name === "split") this.splitHere();
    else if (name === "leave") this.leave();
    else if (name === "again") this.desk.askSegmentation();
    else if (name === "aside") this.change(this.chosen.some(isAside) ? "take" : "aside", {});
    else if (name === "merge" && this.selection.ids.size < 2) window.htr.message(t`Select at least two lines to merge them.`);
    else this.change(name, {});
    if (name !== "leave" && name !== "again") this.picture.holder.focus({ preventScroll: true });
  }

  change(what, more) {
    this.settle();
    const lines = this.chosen.map((line) => line.id);
    if (["merge", "delete", "reverse", "take", "aside"].includes(what) && !lines.length) return;
    this.changes.put({ what, lines, ...more });
    this.show();
  }

  // A change asked for by a row, whatever is selected.
  put(what, lines) {
    this.settle();
    this.changes.put({ what, lines });
    this.show();
  }

  // Gives lines new baselines: here at once, and then on the server.
  reshape(baselines) {
    this.settle();
    this.putHere(baselines);
    const moved = [...baselines].map(([line, points]) => ({ line, points }));
    this.changes.put({ what: "move", baselines: moved }, [...baselines.keys()]);
    this.show();
  }

  putHere(baselines) {
    for (const line of this.lines) {
      if (!baselines.has(line.id)) continue;
      line.baseline = baselines.get(line.id);
      line.polygon = []; // the server draws the new outline
      this.picture.putLine(line);
    }
  }

  // Arrow keys: the line moves here at once, and is saved when they pause.
  nudge(step) {
    const page = this.desk.page();
    const { point } = this.selection;
    this.putHere(new Map(this.chosen.map((line) => [line.id, point === null
      ? Geometry.movedBy(line.baseline, step, page)
      : Geometry.withPointAt(line.baseline, point, line.baseline[point].map((n, k) => n + step[k]), page)])));
    for (const line of this.chosen) this.nudged.add(line.id);
    clearTimeout(this.nudging);
    this.nudging = setTimeout(() => this.settle(), NUDGE_MS);
    this.show();
  }

  settle() {
    clearTimeout(this.nudging);
    if (!this.nudged.size) return;
    const moved = this.lines.filter((line) => this.nudged.has(line.id));
    this.nudged.clear();
    if (!moved.length) return;
    this.changes.put({ what: "move", baselines: moved.map((line) => ({ line: line.id, points: line.baseline })) },
      moved.map((line) => line.id));
  }

  addPoint(line, segment, point) {
    this.selection.set([line.id], segment + 1);
    this.reshape(new Map([[line.id, Geometry.withNewPoint(line.baseline, segment, point)]]));
  }

  remove() {
    const [line] = this.chosen;
    const { point } = this.selection;
    if (point === null) this.change("delete", {});
    else if (line.baseline.length > 2) {
      this.selection.point = null;
      this.reshape(new Map([[line.id, Geometry.withoutPoint(line.baseline, point)]]));
    } else window.htr.message(t`A line needs two points. Press Esc, then Delete, to delete the whole line.`);
  }

  splitHere() {
    const { point } = this.selection;
    const [line] = this.chosen;
    if (point > 0 && point < line.baseline.length - 1) this.split(line, line.baseline[point]);
    else this.selectTool("split");
  }

  split(line, at) {
    this.selectTool("select");
    this.change("split", { line: line.id, at: Geometry.rounded(at) });
  }

  finishDrawing() {
    const points = this.drawing || [];
    this.drawing = [];
    if (points.length < 2) return this.show();
    this.settle();
    this.changes.put({ what: "draw", points: points.map(Geometry.rounded) });
    return this.show();
  }

  // Puts a line before another (null: at the end).
  place(line, before) {
    this.settle();
    this.changes.put({ what: "place", line, before });
  }

  shift(line, by) {
    this.settle();
    this.changes.put({ what: "shift", line, by });
  }
}
