// The search: what is typed is looked for at once; the address keeps it, so it can be passed on.
const { h, icon, call, say, place } = window.htr;
const field = element.querySelector(".search-for");
const told = element.querySelector(".told");
const body = element.querySelector(".body");
const within = element.querySelector(".search-in");
const PAUSE_MS = 180; // of typing, before it is looked for
let inDocument = null; // id of the document that is searched; null: all
let asked = 0; // number of the latest question: answers to earlier ones come too late
let timer = null;

const addressOf = (text, doc) => `#/search/${encodeURIComponent(text || (doc ? " " : ""))}${doc ? `/document/${doc}` : ""}`;

function hitRow(hit) {
  return h("a", { class: "hit", href: `#/page/${hit.page}/line/${hit.id}`, "data-line": hit.id },
    h("span", { class: "about" }, h("span", {}, t`line ${hit.number}`), h("span", {}, t.said(hit.status))),
    h("span", { class: "strip", style: `--aspect:${hit.aspect};display:block` },
      hit.crop ? h("img", { src: hit.crop, alt: "", loading: "lazy" }) : null,
      hit.crop ? hit.lit.map(([from, to]) => h("span", { class: "lit", style: `left:${100 * from}%;width:${100 * Math.max(0.004, to - from)}%` })) : null),
    h("span", { class: "words", dir: "auto", style: "display:block" }, hit.pieces.map(([text, lit]) => (lit ? h("mark", {}, text) : text))));
}

// Appends hits under headings that say where they are; `list` remembers the last page.
function append(list, hits) {
  for (const hit of hits) {
    if (list.dataset.page !== String(hit.page)) {
      list.dataset.page = hit.page;
      list.append(h("h3", { class: "whence" }, h("a", { href: `#/page/${hit.page}` }, t`${hit.document.title} · page ${hit.page_number}`)));
    }
    list.append(hitRow(hit));
  }
}

const number = (found) => (found.more ? t`more than ${found.count} [line|lines]` : t`${found.count} [line|lines]`);

function section(title, note, found, question, similar) {
  const list = h("div", {});
  append(list, found.hits);
  const more = h("button", { type: "button", class: "more" }, t`Show more`);
  let after = found.after;
  more.hidden = after === null;
  more.addEventListener("click", () => call(server.find, { ...question, similar, after }).then((next) => {
    append(list, next.hits);
    after = next.after;
    more.hidden = after === null;
  }).catch(say));
  return h("section", { class: "found" }, h("h2", {}, title), note ? h("p", { class: "soft small" }, note) : null, list, more);
}

// Documents and pages that were found by their title, facts or notes.
function noteSection(notes) {
  return h("section", { class: "found" }, h("h2", {}, t`Documents and notes`), h("ul", { class: "found-notes" }, notes.map((note) => h("li", {},
    h("a", { href: note.page ? `#/page/${note.page}` : `#/document/${note.document}` }, note.page ? t`Note on a page of ${note.title}` : note.title),
    note.text ? h("span", { class: "soft small" }, note.text) : null))));
}

function nothingFound(text) {
  return h("div", { class: "empty" }, h("h2", {}, t`Nothing found`),
    h("p", {}, t`No line holds “${text}”, nor a word that looks like it. Try fewer words, or the beginning of one with a star.`));
}

function searchIn(doc) {
  within.hidden = !doc;
  if (!doc) return;
  within.replaceChildren(h("span", { class: "name", title: doc.title }, t`in ${doc.title}`),
    h("button", { type: "button", class: "quiet", "aria-label": t`Search everywhere`, title: t`Search everywhere`, onclick: () => {
      location.hash = addressOf(field.value, null);
    } }, icon("shut")));
}

async function search() {
  clearTimeout(timer);
  const mine = asked += 1;
  const question = { text: field.value, document: inDocument };
  history.replaceState(history.state, "", addressOf(field.value.trim(), inDocument));
  if (!field.value.trim() && !inDocument) {
    body.replaceChildren();
    told.textContent = "";
    searchIn(null);
    return;
  }
  const found = await call(server.find, question);
  if (mine !== asked) return;
  searchIn(found.document);
  const similar = await call(server.find, { ...question, similar: true });
  if (mine !== asked) return;
  const due = found.due ? t` ${found.due} [line is|lines are] still being added to the index.` : "";
  const text = field.value.trim();
  told.textContent = text ? `${similar.count ? t`${number(found)} found, and ${number(similar)} that the machine may have misread.` : t`${number(found)} found.`}${due}` : due;
  body.replaceChildren(...[
    found.notes.length ? noteSection(found.notes) : null,
    found.hits.length ? section(t`Lines with these words`, "", found, question, false) : null,
    similar.hits.length ? section(t`Perhaps misread`, t`Also looked for: ${similar.words.join(", ")}`, similar, question, true) : null,
    text && !found.hits.length && !similar.hits.length && !found.notes.length ? nothingFound(text) : null,
  ].filter(Boolean));
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => search().catch(say), PAUSE_MS);
});
element.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  search().catch(say);
});

place("search", {
  enter(at) {
    document.title = t`Search · HTR Desk`;
    inDocument = at.document;
    if (field.value.trim() !== at.text.trim() || !body.children.length) field.value = at.text;
    search().catch(say);
    field.focus();
  },
  leave() {
    clearTimeout(timer);
  },
});
