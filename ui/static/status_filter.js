// Pages of a document by how far they are: a choice that leaves the others out.
const PAGE_STATES = [
  ["unseen", t`not begun`], ["begun", t`begun`], ["done", t`all lines checked`], ["empty", t`without lines`],
  ["failed", t`could not be read`], ["waiting", t`waiting to be read`], ["reading", t`being read`],
];

class StatusFilter {
  // `holder` is the label with the choice; `changed()` is called when another one was made.
  constructor(holder, changed) {
    this.holder = holder;
    this.choice = holder.querySelector("select");
    this.wanted = "";
    this.choice.addEventListener("change", () => {
      this.wanted = this.choice.value;
      changed();
    });
  }

  clear() {
    this.wanted = "";
    this.holder.hidden = true;
  }

  // Offers the states that pages have, with how many; a state that none has any more is let go.
  offer(pages) {
    const { h } = window.htr;
    const states = PAGE_STATES.map(([state, words]) => [state, words, pages.filter((page) => page.status === state).length])
      .filter(([, , count]) => count);
    if (!states.some(([state]) => state === this.wanted)) this.wanted = "";
    this.holder.hidden = states.length < 2;
    this.choice.replaceChildren(h("option", { value: "" }, t`all ${pages.length} [page|pages]`),
      ...states.map(([state, words, count]) => h("option", { value: state }, `${words} (${t.number(count)})`)));
    this.choice.value = this.wanted;
  }

  shows(page) {
    return !this.wanted || page.status === this.wanted;
  }
}
