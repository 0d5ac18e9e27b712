// Pages chosen, put into another order by mouse or keyboard, into another document, or into the bin.
class Arrange {
  // place: the document's section; acts: {server, refresh(), document(), pages(), shown(), note(page), crop(page)}.
  constructor(place, acts) {
    this.place = place;
    this.acts = acts;
    this.chosen = new Set(); // ids of pages
    this.dragged = null; // ids while they are dragged
    this.last = null; // page chosen last: Shift chooses up to the next one
    this.bar = place.querySelector(".chosen-bar");
    this.dialog = place.querySelector(".move-dialog");
    this.dialog.querySelector("form").addEventListener("submit", (event) => this.decide(event));
    this.dialog.querySelector("select").addEventListener("change", () => this.showTitle());
    this.dialog.querySelector(".cancel").addEventListener("click", () => this.dialog.close());
  }

  get dragging() {
    return this.dragged !== null || this.dialog.open;
  }

  // ---- choosing --------------------------------------------------------------------------------
  clear() {
    this.chosen.clear();
    this.last = null;
    this.show();
  }

  choose(page, on, range) {
    const ids = this.acts.shown().map((one) => one.id);
    const [from, to] = [ids.indexOf(range && this.last !== null ? this.last : page.id), ids.indexOf(page.id)];
    for (const id of ids.slice(Math.min(from, to), Math.max(from, to) + 1)) {
      if (on) this.chosen.add(id);
      else this.chosen.delete(id);
    }
    this.last = page.id;
    this.show();
  }

  // Shows what is chosen and what can be done with it; pages that are gone are forgotten.
  show() {
    const { h, icon } = window.htr;
    const there = new Set(this.acts.pages().map((page) => page.id));
    for (const id of this.chosen) if (!there.has(id)) this.chosen.delete(id);
    for (const card of this.place.querySelectorAll(".card[data-page]")) {
      const on = this.chosen.has(Number(card.dataset.page));
      card.classList.toggle("chosen", on);
      card.querySelector(".choose").checked = on;
    }
    this.bar.hidden = !this.chosen.size;
    const state = String(this.chosen.size);
    if (!this.chosen.size || this.bar.dataset.state === state) return;
    this.bar.dataset.state = state;
    const button = (name, words, act) => h("button", { type: "button", onclick: () => act.call(this, this.inOrder()) }, icon(name), words);
    this.bar.replaceChildren(h("strong", { role: "status" }, t`${this.chosen.size} [page|pages] chosen`),
      button("move", t`Move…`, this.ask), button("bin", t`To the bin`, this.remove),
      button("turnLeft", t`Turn left`, (pages) => this.turn(pages, 3)), button("turnRight", t`Turn right`, (pages) => this.turn(pages, 1)),
      ...(this.chosen.size === 1 ? [button("crop", t`Crop…`, ([id]) => this.acts.crop(this.page(id))), button("note", t`Note…`, ([id]) => this.acts.note(this.page(id))),
        button("link", t`Copy link`, ([id]) => window.htr.copyLink(`#/page/${id}`))] : []),
      h("button", { type: "button", class: "quiet", onclick: () => {
        for (const page of this.acts.shown()) this.chosen.add(page.id);
        this.show();
      } }, t`Choose all`),
      h("button", { type: "button", class: "quiet", onclick: () => this.clear() }, t`Choose none`));
  }

  inOrder() {
    return this.acts.pages().map((page) => page.id).filter((id) => this.chosen.has(id));
  }

  // ---- a card's controls -------------------------------------------------------------------------
  controls(page) {
    const { h, icon } = window.htr;
    return [
      h("label", { class: "choose-label" }, h("input", {
        type: "checkbox", class: "choose", "aria-label": t`Choose page ${page.number}`,
        onclick: (event) => this.choose(page, event.currentTarget.checked, event.shiftKey),
      })),
      h("button", {
        type: "button", class: "grip", title: t`Drag to another place; or arrow keys`,
        "aria-label": t`Move page ${page.number}: arrow keys, Home, End`, onkeydown: (event) => this.key(page, event),
      }, icon("grip")),
    ];
  }

  // Makes the card one that can be dragged and dropped onto.
  ready(card, page) {
    card.draggable = true;
    card.addEventListener("dragstart", (event) => {
      this.dragged = this.chosen.has(page.id) ? this.inOrder() : [page.id];
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", page.name);
      event.dataTransfer.setDragImage(card, 30, 30);
    });
    card.addEventListener("dragend", () => {
      this.dragged = null;
      this.mark(null);
    });
    card.addEventListener("dragover", (event) => {
      if (!this.dragged) return;
      event.preventDefault();
      this.mark(card, this.isAfter(card, event));
    });
    card.addEventListener("drop", (event) => {
      if (!this.dragged) return;
      event.preventDefault();
      this.dropAt(page.id, this.isAfter(card, event), this.dragged);
      this.dragged = null;
      this.mark(null);
    });
    return card;
  }

  isAfter(card, event) {
    const box = card.getBoundingClientRect();
    return event.clientX > box.left + box.width / 2;
  }

  mark(card, after) {
    for (const other of this.place.querySelectorAll(".drop-before, .drop-after")) other.classList.remove("drop-before", "drop-after");
    if (card) card.classList.add(after ? "drop-after" : "drop-before");
  }

  dropAt(id, after, moved) {
    const rest = this.acts.pages().map((page) => page.id).filter((other) => !moved.includes(other) || other === id);
    const place = rest.indexOf(id) + (after ? 1 : 0);
    const before = rest.slice(place).find((other) => !moved.includes(other)) ?? null;
    this.put(moved, this.acts.document(), before);
  }

  key(page, event) {
    const ids = this.acts.pages().map((one) => one.id);
    const at = ids.indexOf(page.id);
    const to = { ArrowLeft: at - 1, ArrowUp: at - 1, ArrowRight: at + 1, ArrowDown: at + 1, Home: 0, End: ids.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0 || to >= ids.length || to === at) return;
    const others = ids.filter((id) => id !== page.id);
    this.put([page.id], this.acts.document(), others[to] ?? null, () => {
      this.place.querySelector(`.card[data-page="${page.id}"] .grip`)?.focus();
    });
  }

  // ---- what is done ------------------------------------------------------------------------------
  async put(pages, target, before, then = null, title = null) {
    const { call, message, say } = window.htr;
    try {
      const answer = await call(this.acts.server.place_pages, { pages, document: target, before, title });
      await this.acts.refresh();
      if (then) then();
      const elsewhere = answer.document.id !== this.acts.document();
      if (!answer.former.length) return;
      message(elsewhere ? t`${pages.length} [page is|pages are] in “${answer.document.title}” now.`
        : t`${pages.length} [page was|pages were] put into another place.`, {
        action: t`Undo`, stay_ms: elsewhere ? 15000 : 6000,
        onAction: () => call(this.acts.server.restore_places, { former: answer.former, made: answer.made }).then(() => this.acts.refresh()).catch(say),
      });
    } catch (error) {
      say(error);
    }
  }

  async remove(pages) {
    const { call, message, say } = window.htr;
    try {
      await call(this.acts.server.remove_pages, { pages });
      await this.acts.refresh();
      message(t`${pages.length} [page is|pages are] in the bin.`, {
        action: t`Undo`, stay_ms: 15000,
        onAction: () => call(this.acts.server.restore_pages, { pages }).then(() => this.acts.refresh()).catch(say),
      });
    } catch (error) {
      say(error);
    }
  }

  async ask(pages) {
    const { h, call, say } = window.htr;
    try {
      const { documents } = await call(this.acts.server.other_documents);
      const others = documents.filter((one) => one.id !== this.acts.document());
      this.asked = pages;
      this.dialog.querySelector("h2").textContent = t`Move ${pages.length} [page|pages]`;
      this.dialog.querySelector("select").replaceChildren(
        ...others.map((one) => h("option", { value: one.id }, one.project ? `${one.project} · ${one.title}` : one.title)),
        h("option", { value: "" }, t`a new document`));
      this.showTitle();
      this.dialog.showModal();
    } catch (error) {
      say(error);
    }
  }

  page(id) {
    return this.acts.pages().find((page) => page.id === id);
  }

  async turn(pages, quarters) {
    const { call, say } = window.htr;
    try {
      await call(this.acts.server.turn_pages, { pages, quarters });
      await this.acts.refresh();
      tellTurned(pages, t`${pages.length} [page was|pages were] turned. Lines that nobody has touched are found anew.`, this.acts);
    } catch (error) {
      say(error);
      this.acts.refresh().catch(say);
    }
  }

  showTitle() {
    this.dialog.querySelector(".new-title").hidden = this.dialog.querySelector("select").value !== "";
  }

  decide(event) {
    event.preventDefault();
    const target = Number(this.dialog.querySelector("select").value) || null;
    const title = this.dialog.querySelector(".new-title input").value.trim() || t`Untitled document`;
    this.dialog.close();
    this.put(this.asked, target, null, null, title);
  }
}
