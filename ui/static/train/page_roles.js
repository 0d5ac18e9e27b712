// The dialog in which a person says which pages teach the model and which test it.
const ROLES = [["auto", t`automatic`], ["teach", t`teach`], ["test", t`test`]];
const roleOf = (page) => (page.pinned === null ? "auto" : page.pinned ? "test" : "teach");

class PageRoles {
  // `pin(page id, true | false | null)` keeps a choice and returns a promise of the new survey.
  constructor(dialog, pin) {
    this.dialog = dialog;
    this.pin = pin;
  }

  open(survey) {
    const { h } = window.htr;
    this.list = h("div", { class: "page-list" });
    this.told = h("p", { class: "told", role: "status" });
    this.dialog.replaceChildren(
      h("h2", {}, t`Which pages teach, and which test`),
      h("p", { class: "soft" }, t`The model never sees the test pages while it learns; they show whether it has become better. Best are pages that look like those you still want read.`),
      this.told, this.list,
      h("div", { class: "dialog-end" }, h("button", { type: "button", class: "first", onclick: () => this.dialog.close() }, t`Done`)));
    this.show(survey);
    this.dialog.showModal();
  }

  show(survey) {
    const { h } = window.htr;
    this.told.textContent = t.said(survey.explanation);
    const groups = new Map();
    for (const page of survey.page_list) {
      if (!groups.has(page.document)) groups.set(page.document, []);
      groups.get(page.document).push(page);
    }
    this.list.replaceChildren(...[...groups.values()].flatMap((pages) => [
      h("h3", {}, pages[0].document_title), ...pages.map((page) => this.row(page))]));
  }

  row(page) {
    const { h, say } = window.htr;
    const choices = ROLES.map(([role, words]) => {
      const input = h("input", { type: "radio", name: `role-${page.id}`, value: role, checked: role === roleOf(page) });
      input.addEventListener("change", () => this.choose(page, role).catch(say));
      return h("label", {}, input, role === "auto" ? `${words} (${page.role === "test" ? t`test` : t`teach`})` : words);
    });
    return h("div", { class: "page-role", "data-page": page.id, "data-role": page.role },
      h("img", { src: page.thumbnail, alt: "", loading: "lazy" }),
      h("div", { class: "name" }, h("b", {}, `${page.number}  ${page.name}`),
        h("span", { class: "soft small" }, t`${page.lines} [corrected line|corrected lines]`)),
      h("fieldset", { "aria-label": t`Page ${page.number}, ${page.name}` }, choices));
  }

  async choose(page, role) {
    this.dialog.setAttribute("aria-busy", "true");
    const survey = await this.pin(page.id, { auto: null, teach: false, test: true }[role])
      .finally(() => this.dialog.removeAttribute("aria-busy"));
    const chosen = document.activeElement?.name;
    this.show(survey);
    this.list.querySelector(`input[name="${CSS.escape(chosen || `role-${page.id}`)}"]:checked`)?.focus();
  }
}
