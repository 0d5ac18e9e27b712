// Special characters at hand, the most used first, and abbreviations that expand while typing. Both
// are kept in this browser: the palette learns from what its user writes.
const PALETTE = [
  [t`letters`, "ſ ß æ œ ð þ ƿ ȝ ø å ħ ł ŋ ə ꝛ ɫ"],
  [t`tildes and strokes`, "ã ẽ ĩ õ ũ ñ m̃ p̃ q̃ ꝑ ꝓ ꝗ ꝙ ꝯ ꝰ ꝫ ꝭ ꝝ ꝟ ꝥ đ ƀ ħ"],
  [t`accents`, "à á â ä ç è é ê ë ì í î ï ò ó ô ö ù ú û ü ÿ"],
  [t`ligatures`, "ﬀ ﬁ ﬂ ﬃ ﬄ ﬅ ﬆ ꜳ ꜵ ꜷ ꜹ"],
  [t`above the line`, "ᵃ ᵇ ᵈ ᵉ ᵍ ⁱ ᵐ ⁿ ᵒ ᵖ ʳ ˢ ᵗ ᵘ ¹ ² ³ ⁴ º ª"],
  [t`numbers`, "½ ⅓ ⅔ ¼ ¾ ⅛ ⅜ ⅝ ⅞ ⅙ № ℔ ℥ ʒ ℈ £ ƒ ₶ ℳ"],
  [t`signs`, "⁊ & § ¶ † ‡ • · ‘ ’ “ ” „ « » ‹ › – — … ⸗ ¬ ※ ☞ ⟨ ⟩ ⟦ ⟧"],
].map(([words, characters]) => [words, characters.split(" ")]);
const MOST_USED = 18; // two rows: more would have to be read, not seen
const PLAIN = /^[\s!-~]*$/; // what every keyboard has

const used = {
  counts: () => window.htr.preference("usedCharacters") || {},

  // Counts the characters of a text that not every keyboard has; old habits fade.
  learn(text) {
    if (PLAIN.test(text)) return;
    const counts = used.counts();
    for (const { segment } of new Intl.Segmenter().segment(text)) if (!PLAIN.test(segment)) counts[segment] = (counts[segment] || 0) + 1;
    const kept = Object.entries(counts).sort((a, b) => b[1] - a[1]).slice(0, 200);
    const fade = kept[0][1] > 1000 ? 0.5 : 1;
    window.htr.setPreference("usedCharacters", Object.fromEntries(kept.map(([character, times]) => [character, times * fade])));
  },

  most: () => Object.entries(used.counts()).sort((a, b) => b[1] - a[1]).slice(0, MOST_USED).map(([character]) => character),
};

class Palette {
  // `insert(character)` writes at the caret of the current line.
  constructor(dialog, insert) {
    this.dialog = dialog;
    this.insert = insert;
    this.holder = dialog.querySelector(".characters");
    this.field = dialog.querySelector("textarea");
    dialog.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("change", () => this.keep());
    dialog.addEventListener("close", () => this.keep());
  }

  open() {
    const { h, preference } = window.htr;
    const button = (character, index) => h("button", {
      type: "button", class: "character", title: this.nameOf(character), onclick: () => this.take(character),
    }, index < 9 && h("kbd", {}, index + 1), character);
    const most = used.most();
    const groups = [[t`most used`, most.length ? most : PALETTE[0][1].slice(0, 9)], ...PALETTE];
    this.quick = groups[0][1];
    this.holder.replaceChildren(...groups.map(([words, characters], group) => h("section", { "aria-label": words },
      h("h3", {}, words), h("div", {}, characters.map((character, index) => button(character, group ? 9 : index))))));
    this.field.value = Object.entries(preference("abbreviations") || {}).map(([short, long]) => `${short} = ${long}`).join("\n");
    this.dialog.showModal();
    this.holder.querySelector("button").focus();
  }

  nameOf(character) {
    return [...character].map((one) => `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`).join(" ");
  }

  take(character) {
    this.dialog.close();
    this.insert(character);
  }

  key(event) {
    if (event.target === this.field) return;
    const digit = /^[1-9]$/.test(event.key) && !event.ctrlKey && !event.metaKey ? Number(event.key) : 0;
    const buttons = [...this.holder.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] || 0;
    if (digit && this.quick[digit - 1]) this.take(this.quick[digit - 1]);
    else if (step && at >= 0) buttons[Math.max(0, Math.min(buttons.length - 1, at + step))].focus();
    else if (["ArrowDown", "ArrowUp"].includes(event.key) && at >= 0) this.row(buttons, at, event.key === "ArrowDown" ? 1 : -1).focus();
    else return;
    event.preventDefault();
  }

  // Returns the nearest button of the next row up or down.
  row(buttons, at, way) {
    const box = buttons[at].getBoundingClientRect();
    const boxes = buttons.map((button) => button.getBoundingClientRect());
    const beyond = boxes.filter((other) => way * (other.top - box.top) > 4);
    if (!beyond.length) return buttons[at];
    const top = way > 0 ? Math.min(...beyond.map((other) => other.top)) : Math.max(...beyond.map((other) => other.top));
    const inRow = boxes.map((other, index) => [Math.abs(other.left - box.left), index]).filter(([, index]) => Math.abs(boxes[index].top - top) < 4);
    return buttons[inRow.sort((a, b) => a[0] - b[0])[0][1]];
  }

  // Keeps the abbreviations: one a line, "ds = dans".
  keep() {
    const found = this.field.value.split("\n").map((line) => line.split(/\s*=\s*/)).filter(([short, long]) => short?.trim() && long?.trim() && !/\s/.test(short.trim()));
    window.htr.setPreference("abbreviations", Object.fromEntries(found.map(([short, long]) => [short.trim(), long.trim()])));
  }
}

// Returns {text, start, end} with the abbreviation before the caret written out, where a space or a
// sign has just been typed after one; else null.
function expanded(text, caret, abbreviations) {
  const typed = text[caret - 1];
  if (!typed || !/[\s.,;:!?)]/.test(typed)) return null;
  const [start] = wordAround(text, caret - 1);
  const long = abbreviations[text.slice(start, caret - 1)];
  if (long === undefined || !Object.hasOwn(abbreviations, text.slice(start, caret - 1))) return null;
  const at = start + long.length + 1;
  return { text: text.slice(0, start) + long + text.slice(caret - 1), start: at, end: at };
}
