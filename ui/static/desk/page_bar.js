// The bar of the page: where it is, its neighbours, export; and what is shown while it has no lines.
// Part of desk.js, whose page, rows and current line it shares.

function showHeader() {
  const link = (id, name, words) => h("a", {
    class: "button", href: id ? `#/page/${id}` : null, "aria-label": words, title: words,
    role: id ? null : "link", "aria-disabled": id ? null : "true",
  }, icon(name));
  header.replaceChildren(
    h("a", { class: "crumb", href: `#/document/${page.document.id}`, title: page.document.title }, icon("back"), h("span", {}, page.document.title)),
    link(page.previous, "back", t`Previous page`),
    h("span", { class: "number" }, `${page.number} / ${page.total}`),
    link(page.next, "forward", t`Next page`),
    h("button", { type: "button", class: "export", title: t`Export`, "aria-label": t`Export`, onclick: exportHere }, icon("download")));
  document.title = t`${page.number} · ${page.document.title} · HTR Desk`;
}

function exportHere() {
  if (current) saving.flush(current.line);
  const scopes = [{ scope: "page", number: page.id, words: t`this page` }, { scope: "document", number: page.document.id, words: t`the whole document` }];
  if (current) scopes.push({ scope: "line", number: current.line.id, words: t`line ${rows.indexOf(current) + 1} only` });
  window.htr.exportPages(element, server, scopes).catch(say);
}

function showWork() {
  const words = {
    waiting: t`This page waits to be read.`, reading: `${t.said(page.phase) || t`Reading this page`}…`, failed: t.said(page.message),
  }[page.state];
  const again = () => call(server.read_again, { page: page.id }).then(() => open(page.id)).catch(say);
  if (["waiting", "reading"].includes(page.state)) {
    list.replaceChildren(h("div", { class: "empty" }, h("h2", { class: "busy" }, words),
      h("progress", { max: 1, value: page.progress }), h("p", {}, t`You can leave; the work goes on.`)));
  } else {
    list.replaceChildren(h("div", { class: "empty" },
      h("h2", {}, page.state === "failed" ? t`This page could not be read` : t`No text lines were found here`),
      h("p", {}, page.state === "failed" ? words : t`If there is writing on this page, a sharper or larger scan may help.`),
      h("button", { type: "button", onclick: again }, icon("again"), t`Read it again`)));
  }
}
