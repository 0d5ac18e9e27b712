// What else a doubtful character may be: shown under the line for the character at the caret, or
// under the pointer; a digit picks one while they are called up, Alt and a digit at any time.
class Alternatives {
  // `write(row, {text, start, end})` sets the text as if it had been typed.
  constructor(write) {
    this.write = write;
    this.called = false; // digits pick, until another key is pressed
    this.element = window.htr.h("div", { class: "others", role: "status" });
  }

  // Shows the choices for the character of the row at `offset` (UTF-16), or none.
  show(row, offset) {
    const { h } = window.htr;
    if (this.element.parentElement !== row.element) row.notice.before(this.element);
    this.row = row;
    this.at = this.choicesAt(row, offset);
    if (!this.at) {
      this.called = false;
      this.element.replaceChildren();
      return;
    }
    const { character, others } = this.at;
    this.element.classList.toggle("called", this.called);
    this.element.replaceChildren(
      h("span", { class: "soft" }, t`${character[0] === " " ? t`space` : character[0]} ${t.percent(character[1], 0)}, or`),
      ...others.map(([text, chance], index) => h("button", {
        type: "button", onpointerdown: (event) => event.preventDefault(), onclick: () => this.pick(index + 1),
      }, h("kbd", {}, index + 1), h("b", {}, text === "" ? t`nothing` : text === " " ? t`space` : text), ` ${t.percent(chance, 0)}`)));
  }

  // Returns {offset, character, others} of the machine's character there, where it has any choices.
  choicesAt(row, offset) {
    const index = [...row.field.value.slice(0, offset)].length;
    const from = row.from[index];
    const character = from >= 0 ? row.line.characters[from] : undefined;
    return character && character[4]?.length ? { offset, character, others: character[4] } : null;
  }

  // Goes to the next doubtful character behind the caret, selects it, so that typing writes over it,
  // and calls its choices up. `around`: begin anew at the end. Returns whether there was one.
  next(row, { behind = row.field.selectionEnd, around = false } = {}) {
    const own = [...row.field.value];
    let offset = 0;
    const places = own.map((character, index) => {
      const place = { offset, length: character.length, from: row.from[index] };
      offset += character.length;
      return place;
    }).filter(({ from }) => from >= 0 && row.isDoubtful(row.line.characters[from]));
    const place = places.find((other) => other.offset >= behind) || (around ? places[0] : undefined);
    this.called = Boolean(place);
    if (place) row.field.setSelectionRange(place.offset, place.offset + place.length);
    this.show(row, place ? place.offset : row.field.selectionStart);
    return Boolean(place);
  }

  // Puts the choice of that number in place of the character; then goes on to the next doubtful one.
  pick(number) {
    const choice = this.at?.others[number - 1];
    if (!choice) return false;
    const { row } = this;
    const { offset, character } = this.at;
    const text = row.field.value;
    const end = offset + (text.startsWith(character[0], offset) ? character[0].length : 1);
    const wasCalled = this.called;
    this.write(row, { text: text.slice(0, offset) + choice[0] + text.slice(end), start: offset + choice[0].length, end: offset + choice[0].length });
    if (wasCalled) this.next(row, { behind: offset + choice[0].length });
    return true;
  }

  // Returns whether a key press was for the choices.
  key(row, event) {
    if (this.row !== row || !this.at) return false;
    const digit = /^Digit[1-9]$/.test(event.code) ? Number(event.code.slice(5)) : /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (digit && plain && (event.altKey || this.called)) return this.pick(digit);
    if (this.called && event.key === "Escape") {
      this.called = false;
      row.field.setSelectionRange(row.field.selectionEnd, row.field.selectionEnd);
      this.show(row, row.field.selectionEnd);
      return true;
    }
    if (!["Control", "Shift", "Alt", "Meta"].includes(event.key)) this.called = false;
    return false;
  }
}
