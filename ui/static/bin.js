// The bin: what was removed, the latest first, and the way back.
const { h, icon, call, message, say, place, ago } = window.htr;
const body = element.querySelector(".body");

async function takeOut(thing) {
  const { address } = await call(server.take_out, { document: thing.document, page: thing.page });
  await refresh();
  message(thing.page ? t`Page “${thing.name}” is back.` : t`“${thing.title}” is back.`, {
    action: t`Open`, onAction: () => { location.hash = address; },
  });
  (body.querySelector("button") || element.querySelector(".crumb")).focus();
}

function row(thing) {
  const name = thing.page ? thing.name : thing.title;
  const what = thing.page ? t`page of “${thing.title}”` : t`document with ${thing.pages} [page|pages]`;
  return h("li", { class: "binned", "data-page": thing.page, "data-document": thing.document },
    thing.thumbnail ? h("img", { src: thing.thumbnail, alt: "", loading: "lazy" }) : h("span", { class: "no-picture" }, icon("library")),
    h("span", { class: "about" }, h("b", {}, name),
      h("span", { class: "soft small" }, [what, thing.written ? t`, ${thing.written} [line|lines] worked on` : "", t`; removed ${ago(thing.removed)}`])),
    h("button", { type: "button", "aria-label": t`Restore ${name}`, onclick: () => takeOut(thing).catch(say) }, icon("again"), t`Restore`));
}

async function refresh() {
  const { things } = await call(server.look_into);
  body.replaceChildren(things.length ? h("ul", { class: "bin-list" }, things.map(row))
    : h("div", { class: "empty" }, h("h2", {}, t`The bin is empty`), h("p", {}, t`Pages and documents that you remove are kept here.`)));
}

place("bin", {
  enter() {
    document.title = t`Bin · HTR Desk`;
    refresh().catch(say);
  },
});
