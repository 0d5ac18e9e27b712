// One document: its pages as thumbnails, more pages by dropping them, running work, its text.
const { h, icon, call, message, say, place, bar, choose, setDrop } = window.htr;
const body = element.querySelector(".body");
const uploads = element.querySelector(".uploads");
const title = element.querySelector("input.title");
const otherModel = element.querySelector(".other-model");
let opened = null; // id of the document that is shown
let drawn = ""; // what the cards show now
let timer = null;

const guarded = (action) => () => action().catch(say);
const imports = new window.htr.Imports(element.querySelector(".imports"), server, {
  document: () => opened, onChange: () => refresh().catch(say),
});
const addPages = (files) => window.htr.upload(`files/documents/${opened}`, files, uploads, () => refresh().catch(say));
const addFiles = (files) => (window.htr.needsPlan(files) ? imports.add(files).catch(say) : addPages(files));
const chooseFiles = () => choose(addFiles);
let pages = []; // as they were last shown
let about = null; // what is noted of the document
const details = new Details(element, { server, refresh: () => refresh(), document: () => about });
const filter = new StatusFilter(element.querySelector(".by-status"), () => {
  arrange.clear(); // what is out of sight is not meant
  showWanted();
});
const crop = new Crop(element, { server, refresh: () => refresh() });
const arrange = new Arrange(element, {
  server, refresh: () => refresh(), document: () => opened, pages: () => pages, shown: () => pages.filter((page) => filter.shows(page)),
  note: (page) => details.askNote(page), crop: (page) => crop.ask(page),
});

// A page that has lines keeps them.
async function readAgain(page) {
  await call(page.lines ? server.read_with_current : server.read_again, { page: page.id });
  await refresh();
}

// ---- which model read the pages ----------------------------------------------------------------
const isAtWork = (page) => ["waiting", "reading"].includes(page.state);

function readByOther(answer) {
  const idle = answer.pages.filter((page) => page.read && !isAtWork(page));
  const other = idle.filter((page) => page.read.other).length, otherwise = idle.filter((page) => page.read.otherwise).length;
  const count = other + otherwise;
  // What changed is told once all of it is there.
  const compared = answer.pages.some((page) => page.read?.compared) && !answer.pages.some(isAtWork);
  otherModel.hidden = !count && !compared;
  otherModel.classList.toggle("quiet", !count);
  otherModel.replaceChildren(
    h("span", {}, other ? t`${other} [page was|pages were] read by another model than ${answer.model}, which is in use now.` : "",
      other && otherwise ? " " : "",
      !otherwise ? "" : answer.with_language ? t`${otherwise} [page was|pages were] read without the language model, which is in use now.`
        : t`${otherwise} [page was|pages were] read with the language model, which is not in use now.`,
      count ? "" : t`Read by ${answer.model}, and by another model before.`),
    count ? h("button", { type: "button", class: "read-again", onclick: guarded(readWithCurrent),
      title: t`Lines and what people wrote stay.` }, icon("again"), count === 1 ? t`Read it again` : t`Read them again`) : "",
    compared ? h("a", { class: "button changed-link", href: `#/changes/document/${opened}` }, t`What changed`) : "");
}

async function readWithCurrent() {
  await call(server.read_with_current, { document: opened });
  await refresh();
}

function stateOf(page) {
  if (page.state === "waiting") return h("span", { class: "soft small" }, t`waits to be read`);
  if (page.state === "reading") {
    return h("span", { class: "small" }, h("span", { class: "busy" }, t.said(page.phase) || t`reading`),
      h("progress", { max: 1, value: page.progress, style: "width:100%" }));
  }
  if (page.state === "failed") {
    return h("span", { class: "small state-failed" }, t.said(page.message), " ",
      h("button", { type: "button", class: "quiet", onclick: guarded(() => readAgain(page)) }, icon("again"), t`Try again`));
  }
  if (!page.lines) return h("span", { class: "soft small" }, t`no text lines found`);
  const left = page.lines - page.corrected - page.confirmed;
  return h("span", { class: "soft small" }, left ? t`${left} of ${page.lines} [line|lines] to check` : t`all lines checked`);
}

function card(page) {
  return arrange.ready(h("article", { class: "card", "data-page": page.id, "data-status": page.status },
    h("a", { href: `#/page/${page.id}`, class: "picture", tabindex: "-1", "aria-hidden": "true", draggable: "false" },
      h("img", { src: page.thumbnail, alt: "", loading: "lazy", draggable: "false" })),
    h("div", { class: "about" },
      h("a", { class: "title", href: `#/page/${page.id}`, title: page.name }, `${page.number}  ${page.name}`),
      bar(page), stateOf(page),
      page.note ? h("span", { class: "small note", title: page.note }, icon("note"), page.note) : null,
      page.read ? h("span", { class: "soft small by", title: page.read.by.join(", ") }, t`read by ${page.read.by.join(", ")}`) : null),
    arrange.controls(page),
    h("button", {
      type: "button", class: "remove", "aria-label": t`Remove page ${page.number}`, title: t`To the bin`,
      onclick: guarded(() => arrange.remove([page.id])),
    }, icon("bin"))), page);
}

function emptyDocument() {
  return h("div", { class: "empty" },
    h("h2", {}, t`No pages in this document yet`),
    h("p", {}, t`Drop the scans of its pages anywhere on this window, as many as you like. You can correct the first while the rest is being read.`),
    h("div", { class: "buttons" },
      h("button", { type: "button", class: "first", onclick: chooseFiles }, icon("upload"), t`Add pages`)));
}

// Leaves out the cards of pages that are not asked for.
function showWanted() {
  for (const page of pages) body.querySelector(`.card[data-page="${page.id}"]`).hidden = !filter.shows(page);
}

async function refresh() {
  const asked = opened;
  const answer = await call(server.open_document, { document: asked });
  if (asked !== opened) return;
  clearTimeout(timer);
  if (arrange.dragging || details.open || crop.open) { // the cards stay where they are taken hold of
    timer = setTimeout(() => refresh().catch(say), 1000);
    return;
  }
  pages = answer.pages;
  about = answer.document;
  if (document.activeElement !== title) title.value = answer.document.title;
  document.title = t`${answer.document.title} · HTR Desk`;
  const fresh = JSON.stringify(answer);
  if (fresh !== drawn) { // while nothing changes, the cards stay: so do focus and pointer
    const held = document.activeElement;
    const heldPage = body.contains(held) ? held.closest(".card")?.dataset.page : null;
    body.replaceChildren(answer.pages.length ? h("div", { class: "cards" }, answer.pages.map(card)) : emptyDocument());
    if (heldPage) body.querySelector(`.card[data-page="${heldPage}"] .${held.classList[0]}`)?.focus({ preventScroll: true });
    filter.offer(pages);
    showWanted();
    readByOther(answer);
    details.show(about);
    drawn = fresh;
  }
  const working = answer.pages.filter(isAtWork).length;
  window.htr.showQueue(element.querySelector(".queue"), server, refresh, {
    working, left_s: answer.left_s, paused: answer.paused,
    failed: answer.pages.filter((page) => page.state === "failed").length,
    readFailed: () => call(server.read_failed, { document: asked }),
  });
  arrange.show();
  element.querySelector(".search-here").href = `#/search/%20/document/${asked}`;
  element.querySelector(".export").hidden = !answer.pages.length;
  if (working) timer = setTimeout(() => refresh().catch(say), 1000);
}

async function rename() {
  const name = title.value.trim();
  if (name) await call(server.rename_document, { document: opened, title: name });
  await refresh();
}

element.querySelector(".add").replaceChildren(icon("upload"), t`Add pages`);
element.querySelector(".add").addEventListener("click", chooseFiles);
element.querySelector(".from-address").addEventListener("click", () => imports.askAddress());
element.querySelector(".details").append(icon("note"), t`About`);
element.querySelector(".details").addEventListener("click", guarded(() => details.ask()));
element.querySelector(".copy-link").append(icon("link"));
element.querySelector(".copy-link").addEventListener("click", () => window.htr.copyLink());
element.querySelector(".search-here").prepend(icon("search"));
element.querySelector(".export").append(icon("download"), t`Export`);
element.querySelector(".export").addEventListener("click", guarded(() => (
  window.htr.exportPages(element, server, [{ scope: "document", number: opened, words: t`this document` }]))));
title.addEventListener("change", guarded(rename));
title.addEventListener("keydown", (event) => event.key === "Enter" && title.blur());

place("document", {
  enter(at) {
    if (opened !== at.document) {
      uploads.replaceChildren();
      body.replaceChildren();
      pages = [];
      otherModel.hidden = true;
      arrange.clear();
      filter.clear();
      drawn = "";
      title.value = "";
      element.querySelector(".facts-line").hidden = true;
    }
    opened = at.document;
    setDrop(t`Drop pages, folders or archives to add them to this document`, addFiles);
    refresh().catch(say);
    imports.enter();
    const files = window.htr.pendingFiles;
    window.htr.pendingFiles = null;
    if (files) addFiles(files);
  },
  leave() {
    clearTimeout(timer);
    imports.leave();
    setDrop("", null);
  },
});
