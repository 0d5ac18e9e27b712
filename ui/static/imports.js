// Projects, folders and data sets into the app: sent, looked through, shown, and taken in when
// somebody says so. The work is on the server; any tab shows it, and may leave.
(() => {
  if (!window.htr || window.htr.Imports) return;
  const { h, icon, call, message, say } = window.htr;
  const PLANNED = /\.(zip|xml|parquet|jsonl|csv|gt\.txt)$/i;
  const ACTIVE = ["waiting", "running"];
  const POLL_MS = 700;

  // Says whether files are more than single page images, so that a plan is shown first.
  const needsPlan = (files) => files.some((file) => PLANNED.test(file.name));

  const list = (words, items, total) => items.length
    ? h("details", {}, h("summary", {}, words), h("ul", {}, items.map((item) => h("li", {}, t.said(item))),
      total > items.length ? h("li", { class: "soft" }, t`and ${total - items.length} more`) : null))
    : null;

  // What would come in, in sentences.
  function foundWords(found) {
    const formats = Object.entries(found.formats).map(([name, number]) => `${t.number(number)} ${name}`).join(", ");
    const titles = found.documents.map((one) => `“${one.title}” (${t.number(one.pages)})`);
    const described = Object.values(found.formats).reduce((sum, number) => sum + number, 0);
    return [
      found.document_count > 1 ? t`${found.document_count} [document|documents]: ${titles.join(", ")}` : null,
      described ? t`${described} [page|pages] with lines (${formats}): ${found.lines} [line|lines], ${found.texts} of them with text` : null,
      found.known ? t`${found.known} of them belong to pages that are here already and get these lines instead of their own` : null,
      found.images > described - found.known ? t`${found.images - (described - found.known)} [image|images] without lines` : null,
      found.line_images ? t`${found.line_images} [line image|line images] with text, each of which becomes a page of one line` : null,
    ].filter(Boolean);
  }

  class Imports {
    // document(): number of the document that is shown, or null for the library; onChange(): pages
    // have come in.
    constructor(holder, server, { document, onChange }) {
      Object.assign(this, { holder, server, document, onChange });
      this.panels = new Map(); // look -> {element, drawn}
      this.following = new Set(); // runs that take in, whose end is to be told
      this.rows = holder.appendChild(h("div", { class: "uploads" }));
    }

    async add(files) {
      const into = this.document();
      const { token } = await call(this.server.new_import);
      const sent = await window.htr.upload(`files/imports/${token}`, files, this.rows, () => {}, true);
      if (!sent) return;
      await call(this.server.look_import, { token, document: into });
      await this.refresh();
    }

    // Asks for the address of a manifest, in a row of its own.
    askAddress() {
      const known = this.holder.querySelector("form.import");
      if (known) {
        known.querySelector("input").focus();
        return;
      }
      const field = h("input", { type: "text", "aria-label": t`Address of the manifest`, placeholder: "https://…/manifest.json", maxlength: 2000 });
      const form = h("form", { class: "import", onsubmit: (event) => {
        event.preventDefault();
        call(this.server.look_address, { document: this.document(), address: field.value })
          .then(() => { form.remove(); return this.refresh(); }).catch(say);
      } },
      h("h2", {}, t`Pages from a library`),
      h("p", { class: "soft small" }, t`Many libraries give an address for each of their books: a IIIF manifest. Its pages are fetched once, into this app.`),
      field,
      h("div", { class: "buttons" }, h("button", { type: "submit", class: "first" }, t`Look`),
        h("button", { type: "button", onclick: () => form.remove() }, t`Cancel`)));
      this.rows.after(form);
      field.focus();
    }

    enter() {
      this.entered = true;
      this.refresh().catch(say);
    }

    leave() {
      this.entered = false;
      clearTimeout(this.timer);
    }

    async refresh() {
      clearTimeout(this.timer);
      const asked = this.document();
      const { imports } = await call(this.server.imports, { document: asked });
      if (asked !== this.document() || !this.entered) return;
      this.show(imports);
      const ended = [...this.following].filter((run) => !imports.some((one) => one.run === run && ACTIVE.includes(one.state)));
      for (const run of ended) await this.tell(run);
      for (const one of imports) if (one.step === "take" && ACTIVE.includes(one.state)) this.following.add(one.run);
      if (this.following.size) this.onChange();
      if (imports.some((one) => ACTIVE.includes(one.state))) this.timer = setTimeout(() => this.refresh().catch(say), POLL_MS);
    }

    async tell(run) {
      this.following.delete(run);
      const { state, result } = await call(this.server.import_result, { run });
      if (ACTIVE.includes(state)) this.following.add(run); // what was listed was older than it
      this.onChange();
      if (state !== "done") return;
      const open = this.document() === null && result.documents.length === 1;
      message(t`${result.pages} [page is|pages are] in, with ${result.lines} [line|lines].`, {
        action: open ? t`Open` : null, stay_ms: 15000,
        onAction: () => { location.hash = `#/document/${result.documents[0]}`; },
      });
    }

    show(imports) {
      for (const [look, panel] of this.panels) {
        if (!imports.some((one) => one.look === look)) {
          panel.element.remove();
          this.panels.delete(look);
        }
      }
      for (const one of imports) {
        const drawn = JSON.stringify(one);
        const known = this.panels.get(one.look);
        if (known && known.drawn === drawn) continue; // what somebody has chosen in it stays
        const element = this.panel(one);
        if (known) known.element.replaceWith(element);
        else this.holder.append(element);
        this.panels.set(one.look, { element, drawn });
      }
    }

    panel(one) {
      const parts = ACTIVE.includes(one.state) ? this.work(one)
        : one.step === "look" && one.state === "done" || one.undone ? this.plan(one)
          : one.state === "done" ? this.result(one) : this.stopped(one);
      return h("section", { class: "import", "data-state": one.state, "data-step": one.step }, parts);
    }

    // Asks for pages to be taken in; few are in before the screen looks again, and are told of too.
    async take(one, wish) {
      const { run } = await call(this.server.take_import, { run: one.run, ...wish });
      this.following.add(run);
    }

    button(words, action, first = false) {
      return h("button", { type: "button", class: first ? "first" : null, onclick: () => action().then(() => this.refresh()).catch(say) }, words);
    }

    forget(one, words = t`Close`) {
      return this.button(words, () => call(this.server.forget_import, { run: one.look }));
    }

    work(one) {
      const words = t.said(one.phase) || (one.step === "look" ? t`waiting to be looked through` : t`waiting to be taken in`);
      return [h("span", { class: "busy" }, words), h("progress", { max: 1, value: one.progress }),
        this.button(t`Stop`, () => call(this.server.cancel_import, { run: one.run }))];
    }

    stopped(one) {
      const taking = one.step === "take";
      return [h("p", { class: one.state === "failed" ? "state-failed" : null }, one.state === "failed" ? t.said(one.message)
        : taking ? t`Stopped. The pages that are in stay.` : t`Stopped.`),
      h("div", { class: "buttons" },
        taking ? this.button(t`Go on`, () => this.take(one, { by: "human", partly: true, read: true }), true) : null,
        this.forget(one, taking ? t`Leave it at that` : t`Close`))];
    }

    result(one) {
      const { pages, lines, problems, problem_count: total, notes } = one.result;
      return [h("p", {}, t`${pages} [page is|pages are] in, with ${lines} [line|lines]. ${total} [thing was|things were] left out.`),
        list(t`What was left out`, problems, total), list(t`Remarks`, notes, notes.length), h("div", { class: "buttons" }, this.forget(one))];
    }

    plan(one) {
      const { found } = one;
      const textual = found.texts + found.line_images > 0;
      const problems = one.undone ? [one.message, ...found.problems] : found.problems;
      const total = found.problem_count + (one.undone ? 1 : 0);
      const name = `htr-by-${one.look}`;
      const choice = (value, words) => h("label", {}, h("input", { type: "radio", name, value, onchange: check }), " ", words);
      const partly = h("input", { type: "checkbox", onchange: () => check() });
      const read = h("input", { type: "checkbox", checked: true });
      const by = h("fieldset", { hidden: !textual }, h("legend", {}, t`The text was written or checked`),
        choice("human", t`by people: it counts as corrected, and models learn from it`),
        choice("machine", t`by a machine: it waits to be checked`));
      const chosen = () => (textual ? by.querySelector("input:checked")?.value : "human");
      const start = this.button(t`Take it in`, () => this.take(one, {
        by: chosen(), partly: partly.checked, read: read.checked,
      }), true);
      function check() {
        start.disabled = !chosen() || (total > 0 && !partly.checked);
      }
      check();
      return [
        h("h2", {}, found.document_count > 1 ? t`${found.pages} [page|pages] to take in`
          : t`“${found.documents[0].title}”: ${found.pages} [page|pages] to take in`),
        one.undone ? h("p", { class: "state-failed" }, t`Nothing was taken in. ${t.said(one.message)}`) : null,
        h("ul", { class: "found" }, foundWords(found).map((words) => h("li", {}, words))),
        list(t`${total} [thing|things] that cannot be taken in`, problems, total),
        list(t`${found.notes.length} [remark|remarks]`, found.notes, found.notes.length),
        by,
        h("label", {}, read, t` Read with the model in use what has no text`),
        total ? h("label", {}, partly, t` Leave out what cannot be taken in, and take the rest`) : null,
        h("div", { class: "buttons" }, start, this.forget(one, t`Forget it`)),
      ];
    }
  }

  Object.assign(window.htr, { Imports, needsPlan });
})();
