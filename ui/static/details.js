// What people note of a document: project, date, archive, shelf mark, language, notes.
const FACT_WORDS = [["project", t`Project`], ["date", t`Date`], ["archive", t`Archive`], ["shelf_mark", t`Shelf mark`], ["language", t`Language`]];

// Returns what is known of the document in one line: archive, shelf mark, date, language.
const factsLine = (shown) => [shown.archive, shown.shelf_mark, shown.date, shown.language].filter(Boolean).join(" · ");

class Details {
  // acts: {server, refresh(), document(): what is shown}
  constructor(place, acts) {
    const { h, say } = window.htr;
    this.acts = acts;
    this.line = place.querySelector(".facts-line");
    this.dialog = place.querySelector(".details-dialog");
    this.fields = this.dialog.querySelector(".fields");
    this.note = place.querySelector(".note-dialog");
    this.fields.replaceChildren(...FACT_WORDS.map(([name, words]) => h("label", {}, words,
      h("input", { type: "text", name, maxlength: 300, list: name === "project" ? "htr-projects" : null }))),
    h("datalist", { id: "htr-projects" }),
    h("label", {}, t`Notes`, h("textarea", { name: "notes", rows: 5, maxlength: 10000 })));
    for (const dialog of [this.dialog, this.note]) dialog.querySelector(".cancel").addEventListener("click", () => dialog.close());
    this.dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save().catch(say);
    });
    this.note.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.saveNote().catch(say);
    });
  }

  get open() {
    return this.dialog.open || this.note.open;
  }

  show(shown) {
    const { h } = window.htr;
    const line = [shown.project, factsLine(shown)].filter(Boolean).join(" · ");
    this.line.hidden = !line && !shown.notes;
    this.line.replaceChildren(h("span", {}, line), shown.notes ? h("p", { class: "notes-text" }, shown.notes) : "");
  }

  field(name) {
    return this.fields.querySelector(`[name="${name}"]`);
  }

  async ask() {
    const { h, call } = window.htr;
    const shown = this.acts.document();
    for (const name of [...FACT_WORDS.map(([fact]) => fact), "notes"]) this.field(name).value = shown[name];
    this.dialog.showModal();
    const { projects } = await call(this.acts.server.projects);
    this.fields.querySelector("datalist").replaceChildren(...projects.map((project) => h("option", { value: project })));
  }

  async save() {
    const { call } = window.htr;
    const written = Object.fromEntries([...FACT_WORDS.map(([fact]) => fact), "notes"].map((name) => [name, this.field(name).value]));
    await call(this.acts.server.describe_document, { document: this.acts.document().id, ...written });
    this.dialog.close(); // a refusal leaves it open, with what was written
    await this.acts.refresh();
  }

  askNote(page) {
    this.noted = page;
    this.note.querySelector("h2").textContent = t`Note on page ${page.number}`;
    this.note.querySelector("textarea").value = page.note;
    this.note.showModal();
  }

  async saveNote() {
    const { call } = window.htr;
    await call(this.acts.server.note_page, { page: this.noted.id, note: this.note.querySelector("textarea").value });
    this.note.close();
    await this.acts.refresh();
  }
}
