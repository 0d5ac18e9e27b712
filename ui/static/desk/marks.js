// Marks of the editor in a text, as the exports know them: ⟦struck out⟧, [...] illegible, word[?]
// unsure. Each function returns {text, start, end}: the new text and what is selected in it.
const GAP_MARK = "[...]", UNSURE_MARK = "[?]";

const Marks = {
  illegible(text, start, end) {
    const before = text.slice(0, start), after = text.slice(end);
    const gap = `${before && !before.endsWith(" ") ? " " : ""}${GAP_MARK}${after && !after.startsWith(" ") ? " " : ""}`;
    const at = before.length + gap.trimEnd().length;
    return { text: before + gap + after, start: at, end: at };
  },

  struck(text, start, end) {
    if (start === end) [start, end] = wordAround(text, start);
    const open = text.lastIndexOf("⟦", Math.max(0, end - 1)), close = text.indexOf("⟧", Math.max(start - 1, 0));
    if (open >= 0 && close > open && open <= start && close >= end - 1) {
      const bare = text.slice(0, open) + text.slice(open + 1, close) + text.slice(close + 1);
      return { text: bare, start: open, end: close - 1 };
    }
    const inner = text.slice(start, end).replace(/[⟦⟧]/g, "");
    const at = start + inner.length + 2;
    return { text: `${text.slice(0, start)}⟦${inner}⟧${text.slice(end)}`, start: inner ? at : start + 1, end: inner ? at : start + 1 };
  },

  unsure(text, start, end) {
    const [low, high] = wordAround(text, Math.max(start, end));
    if (low === high) return { text, start, end };
    const word = text.slice(low, high);
    const marked = word.includes(UNSURE_MARK) ? word.replace(UNSURE_MARK, "") : word.replace(/([.,;:!?⟧]*)$/, `${UNSURE_MARK}$1`);
    const at = low + marked.length;
    return { text: text.slice(0, low) + marked + text.slice(high), start: at, end: at };
  },
};
