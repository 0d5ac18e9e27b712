// Whether pages are read with the language model: one statement under the ledger, one switch.
const LANGUAGE_POLL_MS = 1000;

class LanguageRow {
  // `ask`: (name of the server's function, argument) -> promise of the state; null after an error that was said.
  constructor(ask) {
    const { h } = window.htr;
    this.ask = ask;
    this.timer = null;
    this.box = h("input", { type: "checkbox" });
    this.box.addEventListener("change", () => this.show("switch_language", { on: this.box.checked }));
    this.words = h("p", { class: "soft small" });
    this.trouble = h("p", { class: "warning small", role: "alert", hidden: true });
    this.progress = h("progress", { max: 1, value: 0, hidden: true, "aria-label": t`Building the language model` });
    this.element = h("div", { class: "ledger language-row", hidden: true }, h("section", { class: "entry" },
      h("div", { class: "statement" }, h("p", {}, t`Language model`),
        h("p", { class: "soft small" }, t`It knows which letters follow which and chooses between readings that look alike, on pages read from now on.`), this.words, this.trouble),
      h("div", { class: "beside" }, h("label", { class: "left-out" }, this.box, t`Read with it`), this.progress)));
  }

  // Asks the server and shows what it answers; while the language model is being built, again and again.
  async show(name = "language", argument = {}) {
    clearTimeout(this.timer);
    const state = await this.ask(name, argument);
    if (!state) {
      if (name !== "language") await this.show(); // the switch stands as the server has it
      return;
    }
    const building = state.share !== null;
    this.element.hidden = !state.possible && !building;
    this.box.checked = state.on;
    this.words.textContent = building ? t`Being built: reading lines that were kept aside, and choosing how much it counts.` : t.said(state.words);
    this.trouble.hidden = !state.trouble;
    this.trouble.textContent = t.said(state.trouble);
    this.progress.hidden = !building;
    this.progress.value = state.share || 0;
    if (building || state.due) this.timer = setTimeout(() => document.body.dataset.place === "train" && this.show(), LANGUAGE_POLL_MS);
  }
}
