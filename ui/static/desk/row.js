// One line as a row: its image, its text under it, its marks. The row knows nothing of saving.
const STATUS_WORDS = { machine: "machine", corrected: "corrected", confirmed: "confirmed", doubtful: "doubtful", ignored: "ignored" };
const SAVE_WORDS = {
  "": "", editing: "typing…", saving: "saving…", saved: "saved",
  offline: "not saved: no connection, kept on this computer", refused: "not saved",
};

// Returns for each character of `text` the index of the machine's character it stems from, or -1:
// what precedes and follows the first and last difference still is what the machine read.
function alignment(text, reading) {
  const own = [...text];
  const read = reading.map((character) => character[0]);
  const most = Math.min(own.length, read.length);
  let head = 0, tail = 0;
  while (head < most && own[head] === read[head]) head += 1;
  while (tail < most - head && own[own.length - 1 - tail] === read[read.length - 1 - tail]) tail += 1;
  return own.map((_, index) => {
    if (index < head) return index;
    return index >= own.length - tail ? read.length - (own.length - index) : -1;
  });
}

// A line that is none of the page's text (of the facing page, or hardly writing) until a person
// takes it in, or writes its text.
const isAside = (line) => line.aside && line.status === "machine";

class Row {
  // `acts`: {takeIn(row), input(row), focus(row), key(row, event), useTheirs(row), keepMine(row), useDraft(row),
  // dropDraft(row), useReading(row), keepText(row)}
  constructor(line, number, acts) {
    const { h } = window.htr;
    this.line = line;
    this.acts = acts;
    this.lit = h("span", { class: "lit", hidden: true });
    this.strip = h("div", { class: "strip" });
    this.mirror = h("div", { class: "mirror", "aria-hidden": "true" });
    this.field = h("textarea", {
      rows: 1, spellcheck: "false", autocomplete: "off", autocapitalize: "off", autocorrect: "off",
      dir: "auto",
    });
    this.number = h("span", { class: "number" });
    this.flagged = h("span", { class: "flags" });
    this.status = h("span", { class: "status" });
    this.saved = h("span", { class: "saved", role: "status" });
    this.notice = h("div", { class: "notice", hidden: true });
    this.element = h("section", { class: "row", "data-line": line.id },
      h("div", { class: "about" }, this.number, this.status, this.flagged, this.saved),
      this.strip, h("div", { class: "field" }, this.mirror, this.field), this.notice);
    this.field.addEventListener("input", () => { this.draw(); this.tighten(); acts.input(this); });
    this.field.addEventListener("focus", () => acts.focus(this));
    this.field.addEventListener("keydown", (event) => acts.key(this, event));
    this.field.addEventListener("blur", () => { this.lit.hidden = true; });
    this.strip.addEventListener("click", (event) => this.caretFromImage(event));
    this.element.addEventListener("click", (event) => event.target === this.element && this.field.focus());
    this.setNumber(number);
    this.renew();
    this.setText(line.text);
  }

  setNumber(number) {
    if (this.number.textContent === String(number)) return;
    this.number.textContent = number;
    this.field.setAttribute("aria-label", `Text of line ${number}`);
    this.element.setAttribute("aria-label", `Line ${number}`);
  }

  // Shows the image and the flags that the line has now; `drawnAs` says which image that is.
  renew() {
    const { h } = window.htr;
    const { line } = this;
    this.drawnAs = line.crop;
    this.strip.style.setProperty("--aspect", line.aspect);
    const image = this.strip.querySelector("img");
    if (image && line.crop) image.src = line.crop; // the old one is shown until the new one is there
    else {
      this.strip.replaceChildren(
        line.crop ? h("img", { src: line.crop, alt: "", loading: "lazy", draggable: "false" })
          : h("span", { class: "no-crop" }, "This line could not be cut out of the page; read it in the page image."),
        this.lit);
    }
    this.showFlags();
  }

  showFlags() {
    const { h } = window.htr;
    const { line } = this;
    const flags = line.flags.map((flag) => h("span", { class: "flag" }, flag.replaceAll("-", " ")));
    const take = isAside(line) ? this.button("Take in", this.acts.takeIn) : null;
    if (take) take.title = "This line is text of this page: read it and count it";
    this.flagged.replaceChildren(...flags, ...(take ? [take] : []));
  }

  get text() {
    return this.field.value.replace(/[\r\n]+/g, " ");
  }

  setText(text) {
    this.field.value = text;
    this.draw();
  }

  // Draws the marks under doubtful characters: in a copy of the text that lies under the field.
  draw() {
    const { h, preference } = window.htr;
    const text = this.field.value;
    const from = alignment(text, this.line.characters);
    const limit = preference("doubtBelow");
    const decided = ["corrected", "confirmed"].includes(this.line.status);
    let run = "", marked = false;
    const pieces = [];
    const flush = () => {
      if (run) pieces.push(marked ? h("span", { class: "doubt" }, run) : run);
      run = "";
    };
    [...text].forEach((character, index) => {
      const read = from[index] >= 0 ? this.line.characters[from[index]] : null;
      const doubtful = !decided && read !== null && read[1] < limit;
      if (doubtful !== marked) flush();
      marked = doubtful;
      run += character;
    });
    flush();
    this.mirror.replaceChildren(...pieces, "\u200b"); // keeps the height of an empty line
    this.from = from;
  }

  // Lights the place in the image of the character behind the caret.
  light() {
    const before = [...this.field.value.slice(0, this.field.selectionStart)].length;
    const index = this.from[Math.min(before, this.from.length - 1)];
    const character = index >= 0 ? this.line.characters[index] : null;
    this.lit.hidden = !character;
    if (!character) return;
    this.lit.style.left = `${100 * character[2]}%`;
    this.lit.style.width = `${100 * Math.max(0.004, character[3] - character[2])}%`;
  }

  caretFromImage(event) {
    const box = this.strip.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width;
    const own = [...this.field.value];
    let position = own.length;
    for (let index = 0; index < own.length; index += 1) {
      const read = this.from[index] >= 0 ? this.line.characters[this.from[index]] : null;
      if (read && read[3] >= at) {
        position = index;
        break;
      }
    }
    const offset = own.slice(0, position).join("").length;
    this.field.focus();
    this.field.setSelectionRange(offset, offset);
    this.light();
  }

  // Spreads the text towards the width of the ink, so that words sit under their image.
  spread(most_px = 6) {
    const style = getComputedStyle(this.field);
    const canvas = Row.canvas || (Row.canvas = document.createElement("canvas").getContext("2d"));
    canvas.font = `${style.fontSize} ${style.fontFamily}`;
    const letters = [...this.field.value].length;
    const ink_px = this.strip.getBoundingClientRect().width;
    const spacing = letters > 3 ? (0.94 * ink_px - canvas.measureText(this.field.value).width) / letters : 0;
    this.element.style.setProperty("--spread", `${Math.max(0, Math.min(most_px, spacing)).toFixed(2)}px`);
  }

  // While typing, the letters only ever move closer: the line stays one line as long as it can.
  tighten() {
    const now_px = parseFloat(this.element.style.getPropertyValue("--spread")) || 0;
    if (now_px > 0) this.spread(now_px);
  }

  setCurrent(current) {
    this.element.classList.toggle("current", current);
    if (current) this.spread();
    else this.element.style.removeProperty("--spread");
  }

  showState(saving) {
    const { line } = this;
    this.element.dataset.status = line.status;
    this.element.classList.toggle("aside", isAside(line));
    this.status.textContent = line.unread ? "being read again…" : isAside(line) ? "set aside" : STATUS_WORDS[line.status] || line.status;
    this.showFlags();
    const refusal = saving === "refused";
    this.saved.textContent = SAVE_WORDS[saving];
    this.saved.dataset.state = saving;
    if (line.conflict) this.showConflict();
    else if (line.offered) this.showDraft();
    else if (refusal) this.showNotice(`Not saved. ${this.refusal || ""}`);
    else if (line.reread) this.showReread();
    else this.notice.hidden = true;
    this.draw();
  }

  showNotice(words, ...buttons) {
    this.notice.hidden = false;
    this.notice.replaceChildren(window.htr.h("span", {}, words), ...buttons);
  }

  button(words, act) {
    return window.htr.h("button", { type: "button", onclick: () => act(this) }, words);
  }

  showConflict() {
    const theirs = this.line.conflict;
    this.showNotice(`${theirs.author} wrote in the meantime: “${theirs.text}”`,
      this.button("Take theirs", this.acts.useTheirs), this.button("Keep mine", this.acts.keepMine));
  }

  showDraft() {
    this.showNotice(`This computer kept an unsaved text: “${this.line.offered.text}”`,
      this.button("Use it", this.acts.useDraft), this.button("Discard it", this.acts.dropDraft));
  }

  showReread() {
    this.showNotice(`The machine now reads: “${this.line.reading}”`,
      this.button("Use it", this.acts.useReading), this.button("Keep mine", this.acts.keepText));
  }
}
