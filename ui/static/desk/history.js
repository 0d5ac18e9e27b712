// The versions of a line: who, when, what became different; any of them can be put back.
const differingPieces = (own, other, tag) => {
  const { h } = window.htr;
  const letters = [...own];
  const partner = sameInOrder(letters, [...other]);
  const pieces = [];
  letters.forEach((letter, index) => {
    const differs = partner[index] < 0;
    const last = pieces.at(-1);
    if (last && last.differs === differs) last.text += letter;
    else pieces.push({ differs, text: letter });
  });
  return pieces.map(({ differs, text }) => (differs ? h(tag, {}, text) : text));
};

class LineHistory {
  // `restore(row, text, status)` puts a version back.
  constructor(dialog, ask, restore) {
    this.dialog = dialog;
    this.ask = ask;
    this.restore = restore;
  }

  async open(row, number) {
    const { h, ago, message } = window.htr;
    const answer = await this.ask({ line: row.line.id });
    const { revisions, readings } = answer;
    const back = (text, status) => h("button", {
      type: "button", onclick: () => { this.dialog.close(); this.restore(row, text, status); message(t`Line ${number} is as it was.`); },
    }, t`Put back`);
    const first = readings[0]?.text ?? "";
    const entries = revisions.map((one, index) => {
      const before = revisions[index + 1]?.text ?? first;
      const gone = differingPieces(before, one.text, "del"), come = differingPieces(one.text, before, "ins");
      const time = new Date(one.created);
      return h("li", {}, h("p", { class: "soft small" }, h("b", {}, one.author || t`nobody`), ` · ${STATUS_WORDS[one.status]}${one.undo ? t` · undone` : ""} · `,
        h("time", { datetime: one.created, title: t.time(time) }, ago(one.created))),
      one.text !== before ? h("p", { class: "version before", dir: "auto" }, gone) : null,
      h("p", { class: "version", dir: "auto" }, come.length ? come : h("span", { class: "soft" }, t`(empty)`)),
      index && one.text !== row.text ? back(one.text, one.status) : null);
    });
    const machine = readings.map((one) => h("li", {}, h("p", { class: "soft small" }, h("b", {}, one.by), t` · read by machine`),
      h("p", { class: "version", dir: "auto" }, one.text), one.text !== row.text ? back(one.text, one.text === row.line.reading ? "machine" : "corrected") : null));
    this.dialog.querySelector("h2").textContent = t`Versions of line ${number}`;
    this.dialog.querySelector("ol").replaceChildren(...entries, ...machine);
    this.dialog.showModal();
  }
}
