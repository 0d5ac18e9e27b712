// The text of a row: a field to type in, and over it the same text set so that each word stands
// under its ink, with marks. Where the text cannot be set so (too long for one line, or written
// from right to left), the field shows it plainly and the marks lie under it.
class RowText {
  // `acts`: {input(), focus(), blur(), key(event), hover(offset)}
  constructor(acts) {
    const { h } = window.htr;
    this.mirror = h("div", { class: "mirror", "aria-hidden": "true" });
    this.field = h("textarea", {
      rows: 1, spellcheck: "false", autocomplete: "off", autocapitalize: "off", autocorrect: "off", dir: "auto",
    });
    this.caret = h("span", { class: "caret", "aria-hidden": "true", hidden: true });
    this.chosen = h("span", { class: "chosen-text", "aria-hidden": "true", hidden: true });
    this.element = h("div", { class: "field" }, this.chosen, this.mirror, this.caret, this.field);
    this.acts = acts;
    this.composing = null; // [start, end] of what an input method has not settled yet
    this.placed = false;
    const { field } = this;
    field.addEventListener("compositionupdate", (event) => {
      const start = this.composing ? this.composing[0] : field.selectionStart;
      this.composing = [start, start + event.data.length];
    });
    field.addEventListener("compositionend", () => { this.composing = null; acts.input(); });
    field.addEventListener("input", () => acts.input());
    field.addEventListener("focus", () => { acts.focus(); this.showCaret(); });
    field.addEventListener("blur", () => { acts.blur(); this.showCaret(); });
    field.addEventListener("keydown", (event) => acts.key(event));
    field.addEventListener("pointerdown", (event) => this.press(event));
    field.addEventListener("pointermove", (event) => this.pull(event));
    field.addEventListener("dblclick", (event) => this.takeWord(event));
    field.addEventListener("click", (event) => {
      if (this.placed && event.detail === 1 && event.pointerType === "touch") this.putCaret(event.clientX);
    });
  }

  get value() { return this.field.value; }

  // Draws the text. `marks`: for each character "" or a class name. `places` as of `placesOf`, null
  // to set it plainly; `ink_px`: width of the image above; `most_px`: of the row.
  draw(marks, places, { ink_px, most_px, size_px }) {
    const text = this.field.value;
    const measure = places && RowText.measure(this.mirror, size_px);
    const set = places && setUnderInk(text, places, { width: ink_px, most: most_px, measure, em: size_px });
    const composing = this.composing;
    let at = 0, offset = 0;
    // Returns nodes for a stretch of the text, cut where its marks change.
    const pieces = (part) => {
      const nodes = [];
      let run = "", mark = null;
      const flush = () => run && nodes.push(mark ? window.htr.h("span", { class: mark }, run) : document.createTextNode(run));
      for (const character of part) {
        const typing = composing && offset >= composing[0] && offset < composing[1];
        const now = [marks[at], typing && "composing"].filter(Boolean).join(" ");
        if (now !== mark) {
          flush();
          run = "";
          mark = now;
        }
        run += character;
        at += 1;
        offset += character.length;
      }
      flush();
      return nodes;
    };
    const spaced = (part, spacing_px, lead_px = 0) => {
      const element = window.htr.h("span", {}, ...pieces(part));
      element.style.letterSpacing = `${spacing_px.toFixed(2)}px`;
      if (lead_px) element.style.marginLeft = `${lead_px.toFixed(2)}px`;
      return element;
    };
    let nodes;
    if (set) {
      const space_px = measure(" ");
      nodes = set.first ? pieces(set.first) : [];
      set.words.forEach((word, index) => {
        nodes.push(spaced(word.text, word.spacing, index ? 0 : set.lead));
        const gap = set.gaps[index];
        if (gap) nodes.push(spaced(" ".repeat(gap.letters), gap.px / gap.letters - space_px));
      });
    } else nodes = pieces(text);
    this.mirror.replaceChildren(...nodes, "\u200b"); // keeps the height of an empty line
    this.placed = Boolean(set);
    this.element.classList.toggle("placed", this.placed);
    this.edges = null;
    this.showCaret();
  }

  // Returns the function that says how wide a word is in the letters of the row.
  static measure(element, size_px) {
    const canvas = RowText.canvas || (RowText.canvas = document.createElement("canvas").getContext("2d"));
    const family = RowText.family || (RowText.family = getComputedStyle(element).fontFamily);
    canvas.font = `${size_px}px ${family}`;
    canvas.letterSpacing = "0.001px"; // letters that are spaced are not tied together
    return (word) => canvas.measureText(word).width;
  }

  // ---- caret and selection: drawn, since the field's own letters are elsewhere ----------------
  // Returns the left edge of each offset of the text (UTF-16), and of its end, in px of the field.
  edgesOf() {
    if (this.edges) return this.edges;
    const origin = this.element.getBoundingClientRect().left;
    const edges = [];
    const range = document.createRange();
    const walker = document.createTreeWalker(this.mirror, NodeFilter.SHOW_TEXT);
    let last = 0;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.data === "\u200b") break;
      for (let k = 0; k < node.length; k += 1) {
        range.setStart(node, k);
        range.setEnd(node, k + 1);
        const box = range.getBoundingClientRect();
        edges.push(box.width || !edges.length ? box.left - origin : last);
        last = box.width ? box.right - origin : last;
      }
    }
    const end = this.mirror.lastChild;
    range.selectNodeContents(end);
    edges.push(edges.length ? last : range.getBoundingClientRect().left - origin);
    this.edges = edges;
    return edges;
  }

  showCaret() {
    const { field } = this;
    const here = this.placed && document.activeElement === field;
    const [start, end] = [field.selectionStart, field.selectionEnd];
    this.caret.hidden = !here || start !== end;
    this.chosen.hidden = !here || start === end;
    if (!here) return;
    const edges = this.edgesOf();
    const [low, high] = [edges[Math.min(start, edges.length - 1)], edges[Math.min(end, edges.length - 1)]];
    if (start === end) {
      this.caret.style.left = `${low}px`;
      this.caret.style.animation = "none"; // shown at once where it has moved to, then blinking
      void this.caret.offsetWidth;
      this.caret.style.animation = "";
    } else {
      this.chosen.style.left = `${low}px`;
      this.chosen.style.width = `${high - low}px`;
    }
  }

  // Returns the offset in the text that is nearest to a place on the screen.
  offsetAt(x) {
    const at = x - this.element.getBoundingClientRect().left;
    const edges = this.edgesOf();
    let best = 0;
    edges.forEach((edge, offset) => {
      const inPair = /[\udc00-\udfff]/.test(this.field.value[offset] || "");
      if (!inPair && Math.abs(edge - at) < Math.abs(edges[best] - at)) best = offset;
    });
    return best;
  }

  // Returns the offset of the character that is under a place on the screen.
  characterAt(x) {
    const at = x - this.element.getBoundingClientRect().left;
    const edges = this.edgesOf();
    const after = edges.findIndex((edge) => edge > at);
    return Math.max(0, (after < 0 ? edges.length : after) - 1);
  }

  putCaret(x) {
    const offset = this.offsetAt(x);
    this.field.setSelectionRange(offset, offset);
  }

  press(event) {
    if (!this.placed || event.button !== 0 || event.pointerType === "touch") return;
    event.preventDefault();
    this.field.focus({ preventScroll: true });
    if (!this.placed) return; // it was set for the first time, and has no room
    this.field.setPointerCapture(event.pointerId);
    const offset = this.offsetAt(event.clientX);
    this.anchor = event.shiftKey ? this.field.selectionStart : offset;
    this.selectTo(offset);
  }

  pull(event) {
    if (this.placed && !event.buttons) this.acts.hover(this.characterAt(event.clientX));
    if (this.placed && event.buttons === 1 && event.pointerType !== "touch" && this.anchor !== undefined) this.selectTo(this.offsetAt(event.clientX));
  }

  selectTo(offset) {
    const back = offset < this.anchor;
    this.field.setSelectionRange(Math.min(offset, this.anchor), Math.max(offset, this.anchor), back ? "backward" : "forward");
  }

  takeWord(event) {
    if (!this.placed) return;
    const [start, end] = wordAround(this.field.value, this.offsetAt(event.clientX));
    this.field.setSelectionRange(start, end);
  }
}

// Returns [start, end] of the word at an offset of the text; both the offset where there is none.
function wordAround(text, offset) {
  let [start, end] = [offset, offset];
  while (start > 0 && text[start - 1] !== " ") start -= 1;
  while (end < text.length && text[end] !== " ") end += 1;
  return [start, end];
}
