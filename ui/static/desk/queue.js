// Queues: in which order the lines of the document come, what is left of them, and the pace.
const QUEUE_WORDS = [
  ["order", t`reading order`], ["doubtful", t`most doubtful first`], ["unseen", t`not yet seen`],
  ["contains", t`lines with…`], ["disagree", t`models disagree`],
];
const SEEN_AFTER_MS = 3000; // lines looked at are told to the server together
const BREAK_MS = 120_000; // a longer pause between two lines is no work
const PACE_LINES = 30;

class Queue {
  // `desk`: {page(), ask(argument), see(argument), go(line, page), changed()}.
  constructor(element, desk) {
    const { h } = window.htr;
    this.desk = desk;
    this.kind = "order";
    this.lines = [];
    this.done = new Set();
    this.seen = new Set();
    this.paces_ms = [];
    this.choice = h("select", { "aria-label": t`Which lines come next`, onchange: () => this.choose() }, QUEUE_WORDS.map(([kind, words]) => h("option", { value: kind }, words)));
    this.word = h("input", {
      type: "search", hidden: true, placeholder: t`character or word`, "aria-label": t`Character or word that the lines contain`, spellcheck: "false",
      onchange: () => this.fill(), onkeydown: (event) => event.stopPropagation(),
    });
    element.replaceChildren(this.choice, this.word);
  }

  get ordered() { return this.kind !== "order"; }

  choose() {
    this.kind = this.choice.value;
    this.word.hidden = this.kind !== "contains";
    if (this.kind === "contains") this.word.focus();
    if (this.kind === "contains" && !this.word.value) this.empty();
    else this.fill();
  }

  empty() {
    this.lines = [];
    this.done.clear();
    this.desk.changed();
  }

  // Asks the server for the lines; goes to the first of them.
  async fill() {
    this.empty();
    if (!this.ordered) return;
    await this.tellSeen();
    const { kind } = this;
    const answer = await this.desk.ask({ document: this.desk.page().document.id, kind, word: this.word.value }).catch((error) => window.htr.say(error));
    if (!answer || kind !== this.kind) return;
    this.of = this.desk.page().document.id;
    this.lines = answer.lines;
    this.desk.changed();
    if (this.lines.length) this.desk.go(...this.lines[0]);
    else window.htr.message(t`No line of this document waits in this queue.`);
  }

  // Another document was opened: its lines are asked for when they are wanted.
  open(page) {
    if (this.ordered && this.of !== undefined && this.of !== page.document.id) {
      this.choice.value = this.kind = "order";
      this.word.hidden = true;
      this.empty();
    }
  }

  has(id) {
    return this.lines.some(([line]) => line === id);
  }

  // Returns [line, page] of the line after (1) or before (-1) the given one, or undefined.
  step(id, by) {
    const at = this.lines.findIndex(([line]) => line === id);
    if (at < 0) return this.lines.find(([line]) => !this.done.has(line));
    return this.lines[at + by];
  }

  // A line was decided: it is no longer left, and counts for the pace.
  decided(id) {
    const now = Date.now();
    if (this.last && now - this.last < BREAK_MS) this.paces_ms.push(now - this.last);
    this.paces_ms = this.paces_ms.slice(-PACE_LINES);
    this.last = now;
    this.done.add(id);
  }

  get left() {
    return this.lines.filter(([line]) => !this.done.has(line)).length;
  }

  // Returns "9 lines a minute, about 20 minutes left", once a few lines tell.
  paceWords(left) {
    if (this.paces_ms.length < 4) return "";
    const mean_ms = this.paces_ms.reduce((sum, one) => sum + one, 0) / this.paces_ms.length;
    const pace = t`${t.number(60_000 / mean_ms, mean_ms > 20_000 ? 1 : 0)} lines a minute`;
    const minutes = Math.ceil((left * mean_ms) / 60_000);
    return left ? t`${pace}, about ${minutes} [minute|minutes] left` : pace;
  }

  look(id) {
    this.seen.add(id);
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tellSeen(), SEEN_AFTER_MS);
  }

  async tellSeen() {
    clearTimeout(this.telling);
    if (!this.seen.size) return;
    const lines = [...this.seen];
    this.seen.clear();
    await this.desk.see({ lines }).catch(() => lines.forEach((line) => this.seen.add(line)));
  }
}
