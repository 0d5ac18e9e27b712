// The library: every document with its cover and how far it is.
const { h, icon, call, message, say, place, ago, bar, choose, setDrop } = window.htr;
const body = element.querySelector(".body");
let drawn = ""; // what the cards show now
let timer = null;
let projects = [];
let listed = []; // the documents, as they were last told
const filter = element.querySelector(".filter input");

async function newDocument(files) {
  const folder = files && (files[0].htrName || "").split("/").slice(0, -1)[0];
  const title = files ? folder || files[0].name.replace(/\.[^.]+$/, "") : t`Untitled document`;
  const { document: made } = await call(server.add_document, { title });
  window.htr.pendingFiles = files || null;
  location.hash = `#/document/${made.id}`;
}

const guarded = (action) => () => action().catch(say);
const imports = new window.htr.Imports(element.querySelector(".imports"), server, {
  document: () => null, onChange: () => refresh().catch(say),
});
// Projects say themselves which documents they are; single pages make a new one.
const addFiles = (files) => (window.htr.needsPlan(files) ? imports.add(files) : newDocument(files)).catch(say);
const chooseFiles = () => choose(addFiles);

async function openExample() {
  const { page } = await call(server.add_example);
  location.hash = `#/page/${page}`;
}

async function remove(shelved) {
  await call(server.remove_document, { document: shelved.id });
  await refresh();
  message(t`“${shelved.title}” is in the bin.`, {
    action: t`Undo`, stay_ms: 15000,
    onAction: guarded(async () => {
      await call(server.restore_document, { document: shelved.id });
      await refresh();
    }),
  });
}

function card(shelved) {
  const left = shelved.lines - shelved.corrected - shelved.confirmed;
  return h("article", { class: "card", "data-document": shelved.id },
    h("a", { href: `#/document/${shelved.id}`, class: "picture", tabindex: "-1", "aria-hidden": "true" },
      shelved.cover ? h("img", { src: shelved.cover, alt: "", loading: "lazy" }) : t`no pages yet`),
    h("div", { class: "about" },
      h("a", { class: "title", href: `#/document/${shelved.id}`, title: shelved.title }, shelved.title),
      bar(shelved),
      facts(shelved) ? h("span", { class: "soft small by", title: facts(shelved) }, facts(shelved)) : null,
      h("span", { class: "soft small" },
        shelved.waiting
          ? h("span", { class: "busy" }, t`reading ${shelved.waiting} [page|pages]`)
          : [t`${shelved.pages} [page|pages]`, ", ", left ? t`${left} [line|lines] to check` : shelved.lines ? t`all lines checked` : t`no lines`]),
      h("span", { class: "soft small" }, ago(shelved.changed))),
    h("button", {
      type: "button", class: "remove", "aria-label": t`Remove ${shelved.title}`, title: t`To the bin`,
      onclick: guarded(() => remove(shelved)),
    }, icon("bin")));
}

const facts = (shelved) => [shelved.archive, shelved.shelf_mark, shelved.date, shelved.language].filter(Boolean).join(" · ");
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

// The documents of each project under its name; those without one come first.
function shelves(documents) {
  const words = folded(filter.value).split(/\s+/);
  const shown = documents.filter((one) => {
    const text = folded([one.title, one.project, facts(one), one.notes].join(" "));
    return words.every((word) => text.includes(word));
  });
  if (!shown.length) return [h("p", { class: "soft" }, t`No document is like this. What is written on the pages is found by Search.`)];
  const names = [...new Set(shown.map((one) => one.project))].sort((a, b) => a.localeCompare(b));
  return names.map((name) => h("section", { class: "project", "aria-label": name || t`Without a project` },
    name ? h("h2", {}, name, h("span", { class: "soft small" }, t` ${shown.filter((one) => one.project === name).length} [document|documents]`)) : null,
    h("div", { class: "cards" }, shown.filter((one) => one.project === name).map(card))));
}

function emptyLibrary() {
  return h("div", { class: "empty" },
    h("h2", {}, t`Nothing on the shelves yet`),
    h("p", {}, t`Drop scanned pages anywhere on this window: JPEG, PNG, WebP, TIFF or PDF. The lines are found and read on this computer, then you correct them beside their images. Whole projects of other programs come in as a folder or zip archive with PAGE or ALTO files.`),
    h("div", { class: "buttons" },
      h("button", { type: "button", class: "first", onclick: chooseFiles }, icon("upload"), t`Add pages`),
      h("button", { type: "button", onclick: () => imports.askAddress() }, t`From an address`),
      h("button", { type: "button", onclick: guarded(openExample) }, icon("pen"), t`Try an example`)));
}

function exportAll() {
  const ofProjects = projects.map((project) => ({ scope: "project", project, words: t`the project “${project}”` }));
  return window.htr.exportPages(element, server, [{ scope: "library", words: t`everything` }, ...ofProjects]);
}

async function refresh() {
  const { documents, queue, binned } = await call(server.shelves);
  projects = [...new Set(documents.map((shelved) => shelved.project))].filter(Boolean).sort();
  const fresh = JSON.stringify(documents);
  if (fresh !== drawn) { // while nothing changes, the cards stay: so do focus and pointer
    body.replaceChildren(...(documents.length ? shelves(documents) : [emptyLibrary()]));
    listed = documents;
    drawn = fresh;
  }
  element.querySelector(".when-filled").hidden = !documents.length;
  element.querySelector(".filter").hidden = documents.length < 6 && !filter.value;
  window.htr.showQueue(element.querySelector(".queue"), server, refresh, { working: queue.pages, ...queue });
  element.querySelector(".bin-link").hidden = !binned;
  element.querySelector(".bin-link").replaceChildren(icon("bin"), t`Bin (${binned})`);
  clearTimeout(timer);
  if (documents.some((shelved) => shelved.waiting)) timer = setTimeout(() => refresh().catch(say), 2000);
}

element.querySelector(".add").replaceChildren(icon("upload"), t`Add pages`);
element.querySelector(".add").addEventListener("click", chooseFiles);
element.querySelector(".from-address").addEventListener("click", () => imports.askAddress());
filter.addEventListener("input", () => body.replaceChildren(...shelves(listed)));
element.querySelector(".export").append(icon("download"), t`Export`);
element.querySelector(".export").addEventListener("click", guarded(exportAll));
element.querySelector(".new").addEventListener("click", guarded(() => newDocument(null)));
element.querySelector(".example").addEventListener("click", guarded(openExample));

place("library", {
  enter() {
    document.title = t`Library · HTR Desk`;
    setDrop(t`Drop pages to start a new document, or a whole project`, addFiles);
    refresh().catch(say);
    imports.enter();
  },
  leave() {
    clearTimeout(timer);
    imports.leave();
    setDrop("", null);
  },
});
