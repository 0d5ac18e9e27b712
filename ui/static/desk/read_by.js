// Which model read the page, in the bar above its lines; reading it again as pages are read now.

// Returns what a person is told who may let the page be read again; null where there is no reason to.
function whyAgain({ read, model, with_language }) {
  if (read.other) return t`Read the lines of this page with ${model}. Lines and what people wrote stay.`;
  if (!read.otherwise) return null;
  return with_language ? t`Read with the language model, which is in use now. Only lines that nobody has decided are read again.`
    : t`Read without the language model, which is not in use now. Only lines that nobody has decided are read again.`;
}

// `act`: reads the page again. Shows nothing while the page has no lines or is being worked on.
function showReadBy(holder, page, act) {
  const { h, icon } = window.htr;
  const { read } = page;
  if (!read || !read.by.length || ["waiting", "reading"].includes(page.state)) {
    holder.replaceChildren();
    return;
  }
  const names = read.by.join(", ");
  const why = whyAgain(page);
  const again = why && h("button", { type: "button", class: "read-again", onclick: act, title: why }, icon("again"), t`Read again`);
  holder.replaceChildren(
    h("span", { class: "by", title: read.other ? t`read by ${names}; in use now: ${page.model}` : t`read by ${names}` }, t`read by ${names}`),
    again || "", read.compared ? h("a", { class: "button changed-link", href: `#/changes/page/${page.id}` }, t`What changed`) : "");
}

// `desk`: {saving, server, open(id)}
function readWithCurrent(page, { saving, server, open }) {
  const { call, say } = window.htr;
  saving.flushAll();
  page.before = new Map(page.lines.map((line) => [line.id, line.reading]));
  call(server.read_with_current, { page: page.id }).then(() => open(page.id)).catch(say);
}

// Says what came of reading the page again; `page.before` holds what was read before.
function tellReread(page) {
  const { message } = window.htr;
  const { before } = page;
  if (!before) return;
  page.before = null;
  const changed = page.lines.filter((line) => before.has(line.id) && before.get(line.id) !== line.reading).length;
  message(changed ? t`${page.model} reads ${changed} of ${page.lines.length} [line|lines] otherwise. What people wrote is as it was.`
    : t`${page.model} reads every line as before.`, changed && page.read.compared ? {
    action: t`What changed`, stay_ms: 15000, onAction: () => { location.hash = `#/changes/page/${page.id}`; },
  } : {});
}
