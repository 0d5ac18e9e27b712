// One line as a row: its image, its text under it, its marks. The row knows nothing of saving.
const STATUS_WORDS = { machine: t`machine`, corrected: t`corrected`, confirmed: t`confirmed`, doubtful: t`doubtful`, ignored: t`not text` };
const SAVE_WORDS = {
  "": "", editing: t`typing…`, saving: t`saving…`, saved: t`saved`,
  offline: t`not saved: no connection, kept on this computer`, refused: t`not saved`,
};

const DECIDED = ["corrected", "confirmed"];
const CONTEXT_ABOVE = 1.9, CONTEXT_HEIGHT = 3.3; // of the line spacing: what is shown around a line
const LARGEST_TEXT = 1.35; // of the reader's own size: so far it grows to meet the ink

// A line that is none of the page's text (of the facing page, or hardly writing) until a person
// takes it in, or writes its text.
const isAside = (line) => line.aside && line.status === "machine";

class Row {
  // `acts`: {hover(row, offset), takeIn(row), input(row), focus(row), key(row, event), useTheirs(row), keepMine(row), useDraft(row),
  // dropDraft(row), useReading(row), keepText(row)}
  constructor(line, number, acts) {
    const { h } = window.htr;
    this.line = line;
    this.acts = acts;
    this.lit = h("span", { class: "lit", hidden: true });
    this.spots = h("div", { class: "spots" });
    this.strip = h("div", { class: "strip" });
    this.words = new RowText({
      input: () => { this.draw(); acts.input(this); }, focus: () => acts.focus(this),
      hover: (offset) => acts.hover(this, offset), blur: () => { this.lit.hidden = true; }, key: (event) => acts.key(this, event),
    });
    this.field = this.words.field;
    this.near = false; // near the eyes: rows far away are drawn when they come near
    this.number = h("span", { class: "number" });
    this.flagged = h("span", { class: "flags" });
    this.status = h("span", { class: "status" });
    this.told = h("span", { class: "told-of", role: "status" });
    this.saved = h("span", { class: "saved", role: "status" });
    this.notice = h("div", { class: "notice", hidden: true });
    this.element = h("section", { class: "row", "data-line": line.id },
      h("div", { class: "about" }, this.number, this.status, this.flagged, this.told, this.saved),
      h("div", { class: "ink" }, this.strip, this.words.element), this.notice);
    this.strip.addEventListener("click", (event) => this.caretFromImage(event));
    this.element.addEventListener("click", (event) => event.target === this.element && this.field.focus());
    this.setNumber(number);
    this.renew();
    this.setText(line.text);
  }

  setNumber(number) {
    if (this.number.textContent === String(number)) return;
    this.number.textContent = number;
    this.field.setAttribute("aria-label", t`Text of line ${number}`);
    this.element.setAttribute("aria-label", t`Line ${number}`);
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
          : h("span", { class: "no-crop" }, t`This line could not be cut out of the page; read it in the page image.`),
        this.spots, this.lit);
    }
    this.showFlags();
  }

  showFlags() {
    const { h } = window.htr;
    const { line } = this;
    const flags = line.flags.map((flag) => h("span", { class: "flag" }, t.said(flag.replaceAll("-", " "))));
    const take = isAside(line) ? this.button(t`Take in`, this.acts.takeIn) : null;
    if (take) take.title = t`This line is text of this page: read it and count it`;
    this.flagged.replaceChildren(...flags, ...(take ? [take] : []));
  }

  get text() {
    return this.field.value.replace(/[\r\n]+/g, " ");
  }

  setText(text) {
    this.field.value = text;
    this.draw();
  }

  // Draws the text under its ink, with marks under doubtful characters, there and in the image.
  draw() {
    const { line } = this;
    this.from = alignment(this.field.value, line.characters);
    const marks = this.from.map((index) => (index >= 0 && this.isDoubtful(line.characters[index]) ? "doubt" : ""));
    const [ink_px, most_px] = this.widths();
    this.words.element.style.setProperty("--ink", `${ink_px.toFixed(1)}px`);
    this.fitSize(ink_px);
    const placed = this.near && ink_px > 0 && line.characters.length && window.htr.preference("wordsStand") === "ink";
    this.words.draw(marks, placed ? placesOf(this.from, line.characters) : null, { ink_px, most_px, size_px: this.size_px });
    this.showSpots();
  }

  isDoubtful(character) {
    return !DECIDED.includes(this.line.status) && character[1] < window.htr.preference("doubtBelow");
  }

  // Marks the places of doubtful characters in the image: by their shape, not by colour alone.
  showSpots() {
    const spots = this.near ? this.line.characters.filter((character) => this.isDoubtful(character)) : [];
    const key = spots.map((character) => character[2]).join();
    if (this.spotted === key) return;
    this.spotted = key;
    this.spots.replaceChildren(...spots.map((character) => {
      const spot = window.htr.h("span", { class: "spot" });
      spot.style.left = `${100 * character[2]}%`;
      spot.style.width = `${100 * Math.max(0.004, character[3] - character[2])}%`;
      return spot;
    }));
  }

  // Returns the width of the line's image and of the room for its text, in px of the screen.
  widths() {
    const zoom = this.current ? window.htr.preference("lineZoom") : 1;
    const height_px = this.current ? 84 : 46;
    const ink_px = Math.min(Row.room_px, this.line.aspect * height_px) * zoom;
    return [ink_px, Math.max(ink_px, Row.room_px)];
  }

  // Chooses the size of the letters: the reader's own, larger where the image is, and smaller where
  // the writing is closer. While typing it only ever shrinks, so that nothing jumps.
  fitSize(ink_px) {
    const own_px = window.htr.preference("textSize_px") - (this.current ? 0 : 3);
    const largest_px = own_px * (this.current ? LARGEST_TEXT * Math.sqrt(window.htr.preference("lineZoom")) : 1);
    const natural_px = this.near && ink_px > 0 ? RowText.measure(this.words.mirror, largest_px)(this.field.value) : 0;
    const fit_px = Math.max(0.8 * own_px, Math.min(largest_px, natural_px > 0 ? (largest_px * ink_px) / natural_px : own_px));
    const typing = this.sizeOf === this.current && document.activeElement === this.field;
    this.size_px = typing ? Math.min(this.size_px, fit_px) : fit_px;
    this.sizeOf = this.current;
    this.element.style.setProperty("--size", `${this.size_px.toFixed(2)}px`);
  }

  resize() {
    this.sizeOf = null;
    this.draw();
  }

  // With a large image the row scrolls along with the caret.
  keepCaretInView() {
    const holder = this.words.element.parentElement;
    if (!this.current || holder.scrollWidth <= holder.clientWidth || !this.words.placed) return;
    const x = this.words.edgesOf()[this.field.selectionEnd] || 0;
    const margin = holder.clientWidth / 5;
    if (x < holder.scrollLeft + margin) holder.scrollLeft = x - margin;
    else if (x > holder.scrollLeft + holder.clientWidth - margin) holder.scrollLeft = x + margin - holder.clientWidth;
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
    const places = placesOf(this.from, this.line.characters);
    const found = this.line.characters.length ? places.findIndex((place) => place[1] >= at) : -1;
    const offset = own.slice(0, found < 0 ? own.length : found).join("").length;
    this.field.focus();
    this.field.setSelectionRange(offset, offset);
    this.light();
  }

  setCurrent(current) {
    this.current = current;
    this.near = this.near || current;
    this.element.classList.toggle("current", current);
    this.showContext(null);
    this.resize();
  }

  // Shows the line within its neighbours: the page image around it, in place of its own image.
  showContext(page) {
    const on = Boolean(page) && this.current && this.line.baseline.length > 1;
    this.strip.classList.toggle("context", on);
    this.strip.querySelector(".around")?.remove();
    if (!on) return;
    const { h } = window.htr;
    const { baseline, spacing } = this.line;
    const [[x, y], [endX, endY]] = [baseline[0], baseline.at(-1)];
    const span = Math.hypot(endX - x, endY - y) + 0.5 * spacing;
    const turn = Math.atan2(endY - y, endX - x);
    const image = h("img", { src: page.image, alt: "", draggable: "false" });
    const width_px = this.widths()[0];
    const scale = width_px / span;
    image.style.width = `${page.width * scale}px`;
    image.style.transform = `translate(${0.25 * spacing * scale}px, ${CONTEXT_ABOVE * spacing * scale}px) rotate(${-turn}rad) translate(${-x * scale}px, ${-y * scale}px)`;
    this.strip.style.setProperty("--around", `${CONTEXT_HEIGHT * spacing * scale}px`);
    this.strip.style.setProperty("--band-top", `${100 * (CONTEXT_ABOVE - 0.8) / CONTEXT_HEIGHT}%`);
    this.strip.style.setProperty("--band", `${100 * 1.16 / CONTEXT_HEIGHT}%`);
    this.strip.append(h("div", { class: "around" }, image, h("span", { class: "band" })));
  }

  // Says something of the line for a while, beside its number.
  tell(words) {
    this.told.textContent = words;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => { this.told.textContent = ""; }, 4000);
  }

  showState(saving) {
    const { line } = this;
    this.element.dataset.status = line.status;
    this.element.classList.toggle("aside", isAside(line));
    this.status.textContent = line.unread ? t`being read again…` : isAside(line) ? t`set aside` : STATUS_WORDS[line.status] || line.status;
    this.showFlags();
    const refusal = saving === "refused";
    // Why is told once, in the bar above the lines: here it would push the text down.
    this.saved.textContent = saving === "offline" ? SAVE_WORDS.refused : SAVE_WORDS[saving];
    this.saved.title = SAVE_WORDS[saving];
    this.saved.dataset.state = saving;
    if (line.conflict) this.showConflict();
    else if (line.offered) this.showDraft();
    else if (refusal) this.showNotice(t`Not saved. ${this.refusal || ""}`);
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
    this.showNotice(t`${theirs.author} wrote in the meantime: “${theirs.text}”`,
      this.button(t`Take theirs`, this.acts.useTheirs), this.button(t`Keep mine`, this.acts.keepMine));
  }

  showDraft() {
    this.showNotice(t`This computer kept an unsaved text: “${this.line.offered.text}”`,
      this.button(t`Use it`, this.acts.useDraft), this.button(t`Discard it`, this.acts.dropDraft));
  }

  showReread() {
    this.showNotice(t`The machine now reads: “${this.line.reading}”`,
      this.button(t`Use it`, this.acts.useReading), this.button(t`Keep mine`, this.acts.keepText));
  }
}

Row.room_px = 0; // the width that rows have for images and text; told by the desk
