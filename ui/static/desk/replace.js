// Find and replace across the document, and its rules of writing: shown first, then written as one
// step, which one undo takes back.
class Replacing {
  // `desk`: {page(), find, replace, rules, setRules (server functions), taken(lines), undo()}.
  constructor(dialog, desk) {
    this.dialog = dialog;
    this.desk = desk;
    this.part = (name) => dialog.querySelector(name);
    const asks = (form, wanted) => this.part(form).addEventListener("submit", (event) => {
      event.preventDefault();
      wanted().catch(window.htr.say);
    });
    asks(".finding", () => this.show(this.wish()));
    asks(".ruling", () => this.keepRules());
    this.part(".do").addEventListener("click", () => this.write().catch(window.htr.say));
    this.part(".shut").addEventListener("click", () => dialog.close());
  }

  async open(word) {
    const { document } = this.desk.page();
    const rules = await this.desk.rules({ document: document.id });
    const form = this.part(".ruling").elements;
    for (const [name, value] of Object.entries(rules)) form[name].value = value;
    this.part(".title").textContent = document.title;
    this.clear("");
    const { find } = this.part(".finding").elements;
    if (word) find.value = word;
    this.dialog.showModal();
    find.focus();
    find.select();
  }

  clear(words) {
    this.found = null;
    this.part(".found").textContent = words;
    this.part(".findings").replaceChildren();
    this.part(".do").hidden = true;
  }

  wish() {
    const form = this.part(".finding").elements;
    return { find: form.find.value, put: form.put.value, case: form.case.checked, words: form.words.checked, unchecked: form.unchecked.checked };
  }

  async keepRules() {
    const form = this.part(".ruling").elements;
    const values = Object.fromEntries(["quotes", "dashes", "spaces", "long_s"].map((name) => [name, form[name].value]));
    const kept = await this.desk.setRules({ document: this.desk.page().document.id, project: form.project.checked, ...values });
    if (kept.documents > 1) window.htr.message(t`The rules are kept for ${kept.documents} documents.`);
    await this.show({ rules: true, unchecked: this.wish().unchecked });
  }

  async show(wish) {
    const { h } = window.htr;
    this.clear("");
    const answer = await this.desk.find({ document: this.desk.page().document.id, ...wish });
    const { total, lines } = answer;
    this.clear(total > lines.length ? t`${total} [line|lines] would change; the first ${lines.length} are shown, the others can follow. Take out what shall stay.`
      : total ? t`${total} [line|lines] would change. Take out what shall stay.`
        : t`No line would change.`);
    this.found = { wish, lines };
    this.part(".findings").replaceChildren(...lines.map((line) => h("li", {}, h("label", {},
      h("input", { type: "checkbox", checked: true, value: line.line_id, onchange: () => this.countChosen() }),
      h("span", { class: "soft small" }, t`page ${line.page_number}, line ${line.line_number}`),
      h("span", { dir: "auto" }, differingPieces(line.before, line.after, "del"), h("br"), differingPieces(line.after, line.before, "ins"))))));
    this.countChosen();
  }

  get chosen() {
    const ids = new Set([...this.part(".findings").querySelectorAll("input:checked")].map((input) => Number(input.value)));
    return this.found ? this.found.lines.filter((line) => ids.has(line.line_id)) : [];
  }

  countChosen() {
    const { length } = this.chosen;
    this.part(".do").hidden = !length;
    this.part(".do").textContent = t`Change ${length} [line|lines]`;
  }

  async write() {
    const { message } = window.htr;
    const { wish } = this.found;
    const lines = this.chosen.map((line) => [line.line_id, line.parent_id]);
    const answer = await this.desk.replace({ document: this.desk.page().document.id, ...wish, lines });
    this.desk.taken(answer.lines);
    this.dialog.close();
    const left = answer.left ? t` ${answer.left} [line was|lines were] changed by somebody meanwhile and left alone.` : "";
    message(t`${answer.lines.length} [line|lines] changed.${left}`, { action: t`Undo`, onAction: () => this.desk.undo(), stay_ms: 15000 });
  }
}
