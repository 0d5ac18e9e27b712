// The desk: one page, its image on the left and its lines on the right.
const { h, icon, call, message, say, place, preference } = window.htr;
const list = element.querySelector(".lines");
const header = element.querySelector(".page-bar");
const left = element.querySelector(".left");
const savedMark = element.querySelector(".saved-mark");
const readBy = element.querySelector(".read-by");
const help = element.querySelector("dialog");
let page = null;
let rows = [];
let current = null;
let timer = null;
const ROW_EDGES_PX = 28; // padding and borders of a row

const saving = new Saving((argument) => call(server.save_line, argument), showLine, tellGone);
const picture = new Picture(element.querySelector(".picture"), (id) => focusLine(id));
const tools = new LineTools({
  element, list, picture, takeLayout, showCurrent,
  page: () => page,
  send: (argument) => call(server.change_lines, argument),
  read: (argument) => call(server.read_lines, argument),
  refresh: () => refresh().catch(say),
  focusText: () => current && current.field.focus({ preventScroll: true }),
  askSegmentation: () => askSegmentation(element, page, findLinesAgain),
});
const keymap = new Keymap();
const alternatives = new Alternatives((row, written) => write(row, written));
const queue = new Queue(element.querySelector(".queue"), {
  page: () => page, ask: (argument) => call(server.work_queue, argument), see: (argument) => call(server.see_lines, argument),
  go: goTo, changed: showQueue,
});
const palette = new Palette(element.querySelector(".palette"), (character) => current && insert(current, character));
const versions = new LineHistory(element.querySelector("dialog.history"), (argument) => call(server.line_history, argument), restoreVersion);
const replacing = new Replacing(element.querySelector("dialog.replacing"), {
  page: () => page, taken: takeTexts, undo: () => current && acts.undo(current),
  find: (argument) => call(server.find_texts, argument), replace: (argument) => call(server.replace_texts, argument),
  rules: (argument) => call(server.text_rules, argument), setRules: (argument) => call(server.set_text_rules, argument),
});
const rowTools = new RowTools({ page: () => page, act: (name) => current && acts[name](current) });
const reread = () => readWithCurrent(page, { saving, server, open });
const rowOf = (line) => rows.find((row) => row.line === line);

// ---- what is shown ---------------------------------------------------------------------------
function showLine(line) {
  const row = rowOf(line);
  if (row) showRow(row);
  showCounter();
}

// Shows the row alone: whoever shows many counts once, at the end.
function showRow(row) {
  const { line } = row;
  if (line.written) showWritten(row);
  row.refusal = saving.problem.get(line);
  if (line.reread && isKept(line)) line.reread = false;
  row.showState(saving.stateOf(line));
  picture.mark(line);
}

// The database has the text in another spelling than it was typed: it is shown so, and said.
function showWritten(row) {
  const { sent, text } = row.line.written;
  row.line.written = null;
  if (row.text !== sent) return; // typing went on
  const fromEnd = row.field.value.length - row.field.selectionEnd;
  const focused = document.activeElement === row.field;
  row.setText(text);
  if (focused) row.field.setSelectionRange(Math.max(0, text.length - fromEnd), Math.max(0, text.length - fromEnd));
  row.tell(t`written by the rules of this document`);
}

function showCounter() {
  if (!page) return;
  const working = ["waiting", "reading"].includes(page.state);
  const counted = page.lines.filter((line) => !isAside(line));
  const open = counted.filter((line) => line.status === "machine").length;
  left.textContent = page.lines.length
    ? working ? `${t.said(page.phase) || t`waiting for the lines to be found again`}…` : open ? t`${open} of ${counted.length} [line|lines] left` : t`all lines checked` : "";
  const waiting = queue.ordered ? queue.left : open;
  if (queue.ordered && !working) left.textContent = queue.lines.length ? t`${waiting} of ${queue.lines.length} left in the document` : t`no lines in this queue`;
  element.querySelector(".pace").textContent = queue.paceWords(waiting);
  showReadBy(readBy, page, reread);
  const states = page.lines.map((line) => saving.stateOf(line));
  const worst = ["refused", "offline", "saving", "editing", "saved"].find((state) => states.includes(state)) || "";
  savedMark.dataset.state = worst;
  savedMark.replaceChildren(worst === "saved" ? icon("check") : "", SAVE_WORDS[worst] || "");
}

// Lines that the queue leaves out stand back; what is left of it, and the pace.
function showQueue() {
  for (const row of rows) row.element.classList.toggle("passed-over", queue.lines.length > 0 && !queue.has(row.line.id));
  showCounter();
}

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

function showLines() {
  rows = page.lines.map(newRow);
  const end = page.next
    ? h("a", { class: "button first end", href: `#/page/${page.next}` }, t`Next page`, icon("forward"))
    : h("a", { class: "button end", href: `#/document/${page.document.id}` }, t`Last page: back to the document`);
  list.replaceChildren(...rows.map((row) => row.element), end);
  rows.forEach((row) => nearness.observe(row.element));
  for (const row of rows) {
    takeUpDraft(row.line);
    showRow(row);
  }
  showCounter();
}

function newRow(line, index) {
  line.key = `${page.version}-${line.id}`;
  return new Row(line, index + 1, { hover, takeIn, input, focus, key, useTheirs, keepMine, useDraft, dropDraft, useReading, keepText });
}

// Shows the lines as the server says they are now, in place.
function takeLayout(answer, touched) {
  if (answer.layout !== undefined) {
    const { layout, undo, redo } = answer;
    Object.assign(page, { layout, undo, redo });
  }
  const [at, before] = [rows.indexOf(current), rows];
  const focused = document.activeElement !== document.body;
  const taken = bringIn(answer, { page, rows, list, picture, saving, newRow: (line) => newRow(line, -1) }, touched);
  rows = taken.rows;
  if (rows.length && !before.length) showLines();
  if (!rows.length) showWork();
  for (const row of taken.changed) {
    if (!before.includes(row)) {
      nearness.observe(row.element);
      takeUpDraft(row.line);
      picture.putLine(row.line);
    }
    showRow(row);
  }
  if (!rows.includes(current)) {
    current = null;
    if (rows.length) showCurrent(rows[Math.max(0, Math.min(at, rows.length - 1))].line.id, false);
  }
  if (focused && document.activeElement === document.body) { // its row is gone
    if (tools.on) picture.holder.focus({ preventScroll: true });
    else if (current) current.field.focus({ preventScroll: true });
  }
  showCounter();
}

function findLinesAgain(method, scope) {
  tools.leave();
  call(server.segment_again, { page: page.id, method, scope }).then((answer) => {
    if (answer.pages > 1) message(t`The lines of ${answer.pages} [page|pages] will be found again, one page after the other.`);
    return open(page.id);
  }).catch(say);
}

// ---- opening a page --------------------------------------------------------------------------
async function open(id, lineId = null) {
  clearTimeout(timer);
  const answer = await call(server.open_page, { page: id });
  const at = window.htr.address();
  if (at.place !== "desk" || at.page !== id) return; // somebody went elsewhere meanwhile
  tools.settle();
  if (page && page.id === id && page.version === answer.version && rows.length && answer.lines.length) followWork(answer);
  else {
    const still = page && page.id === id && !page.lines.length && !answer.lines.length;
    page = answer;
    rows = [];
    current = null;
    showHeader();
    if (!still) picture.show(page);
    queue.open(page);
    if (page.lines.length) showLines();
    else showWork();
    showQueue();
    if (!still) tools.open(page);
    saveLeftDrafts();
    showCounter();
    if (page.lines.length) focusLine(lineId ?? firstOpen(), { quietly: lineId === null });
  }
  if (["waiting", "reading"].includes(page.state)) timer = setTimeout(() => open(id).catch(say), 700);
}

// The page is being read again: what is on the desk stays until new lines are there.
function followWork(answer) {
  const { state, phase, progress, model, read } = answer;
  Object.assign(page, { state, phase, progress, model, read, message: answer.message });
  if (state === "ready") {
    tools.refreshed(answer);
    tellReread(page);
  }
  if (state === "failed") message(t`The page was not read again. ${t.said(answer.message)}`, { kind: "error" });
  showCounter();
}

function firstOpen() {
  const open = page.lines.filter((line) => line.status === "machine");
  return (open.find((line) => !isAside(line)) || open[0] || page.lines[0]).id;
}

// Brings in what other tabs or people wrote, without touching lines that are being edited here.
async function refresh() {
  if (!page || page.state !== "ready" || window.htr.address().place !== "desk") return;
  const asked = page;
  const answer = await call(server.open_page, { page: asked.id });
  if (asked !== page) return;
  if (answer.version !== page.version) return open(page.id); // it was turned or cropped meanwhile
  Object.assign(page, { model: answer.model, read: answer.read });
  tools.refreshed(answer);
  showCounter();
}

// ---- moving ----------------------------------------------------------------------------------
function focusLine(id, { quietly = false } = {}) {
  const row = rows.find((other) => other.line.id === id);
  if (!row) return;
  row.field.focus({ preventScroll: true });
  if (quietly) row.field.setSelectionRange(0, 0);
}

function focus(row) {
  makeCurrent(row, true);
  row.light();
  if (tools.on) tools.choose(row.line.id);
}

// The pointer rests on a doubtful character of the current line.
function hover(row, offset) {
  if (row === current && !alternatives.called && alternatives.choicesAt(row, offset)) alternatives.show(row, offset);
}

function showCurrent(id, follow = true) {
  const row = rows.find((other) => other.line.id === id);
  if (row) makeCurrent(row, follow);
}

function makeCurrent(row, follow) {
  if (current && current !== row) {
    current.setCurrent(false);
    saving.flush(current.line);
  }
  current = row;
  row.setCurrent(true);
  rowTools.show(row);
  picture.setCurrent(row.line, follow);
  row.element.scrollIntoView({ block: "center", behavior: "auto" });
  queue.look(row.line.id);
  history.replaceState(history.state, "", `#/page/${page.id}/line/${row.line.id}`);
}

// Goes to a line, be it on this page or on another one.
function goTo(line, onPage) {
  if (onPage === page.id) focusLine(line, { quietly: true });
  else location.hash = `#/page/${onPage}/line/${line}`;
}

function step(row, by) {
  if (queue.ordered) {
    const next = queue.step(row.line.id, by);
    if (next) goTo(...next);
    else message(by > 0 ? t`That was the last line of this queue.` : t`That is the first line of this queue.`);
    return;
  }
  const ahead = by > 0 ? rows.slice(rows.indexOf(row) + 1) : rows.slice(0, rows.indexOf(row)).reverse();
  const next = ahead.find((other) => !isAside(other.line)); // lines set aside are no work
  if (next) {
    next.field.focus({ preventScroll: true });
    next.field.setSelectionRange(0, 0);
  } else if (by > 0) list.querySelector(".end").focus();
}

const isDoubtful = (line) => line.status === "doubtful" || line.status === "machine" && !isAside(line)
  && line.characters.some((character) => character[1] < preference("doubtBelow"));

function stepToDoubtful(row) {
  const at = rows.indexOf(row);
  const order = [...rows.slice(at + 1), ...rows.slice(0, at)];
  const next = order.find((other) => isDoubtful(other.line));
  if (next) focusLine(next.line.id, { quietly: true });
  else message(t`No doubtful line is left on this page.`);
}

// ---- editing ---------------------------------------------------------------------------------
const statusOf = (line) => line.wanted || line.status;
const STAYING = ["doubtful", "ignored"]; // a person said so, and takes it back with the same key

function input(row) {
  if (!row.words.composing) expand(row);
  const { line } = row;
  const now = statusOf(line);
  const other = now === "doubtful" ? now : row.text === line.reading ? "machine" : "corrected";
  saving.put(line, row.text, row.text === line.text && !line.wanted ? line.status : other);
  row.light();
}

// Returns the characters of a text that another one does not have in their place.
function differing(text, other) {
  const partner = sameInOrder([...text], [...other]);
  return [...text].filter((_, index) => partner[index] < 0).join("");
}

function accept(row) {
  const now = statusOf(row.line);
  const decided = row.text === row.line.reading ? "confirmed" : "corrected";
  if (row.text !== row.line.reading) used.learn(differing(row.text, row.line.reading));
  if (now === "machine" || row.text !== row.line.text) queue.decided(row.line.id);
  saving.put(row.line, row.text, STAYING.includes(now) ? now : decided, 0, true);
}

function restoreMachine(row) {
  row.setText(row.line.reading);
  saving.put(row.line, row.line.reading, "machine", 0);
  row.light();
}

// Returns whether something was typed in this row that nobody has tried to save yet.
const isTyped = (row) => row.text !== row.line.text;

// Sets a text as if it had been typed, and what is selected in it.
function write(row, { text, start, end }) {
  if (text !== row.text) {
    row.setText(text);
    input(row);
  }
  row.field.setSelectionRange(start, end);
}

function insert(row, characters) {
  const { selectionStart, selectionEnd } = row.field;
  const at = selectionStart + characters.length;
  row.field.focus({ preventScroll: true });
  write(row, { text: row.field.value.slice(0, selectionStart) + characters + row.field.value.slice(selectionEnd), start: at, end: at });
  used.learn(characters);
}

function restoreVersion(row, text, status) {
  row.setText(text);
  saving.put(row.line, text, status, 0);
  row.field.focus({ preventScroll: true });
}

// Writes an abbreviation out once it is ended; Backspace right after takes that back.
function expand(row) {
  const { value, selectionStart, selectionEnd } = row.field;
  const long = selectionStart === selectionEnd && expanded(value, selectionStart, preference("abbreviations") || {});
  row.short = long ? { text: value, start: selectionStart, end: selectionEnd, long: long.text } : null;
  if (!long) return;
  row.setText(long.text);
  row.field.setSelectionRange(long.start, long.end);
}

function mark(row, name) {
  write(row, Marks[name](row.field.value, row.field.selectionStart, row.field.selectionEnd));
}

// Gives the line a status, or takes it back: then the text says by itself what it is.
function toggleStatus(row, status) {
  const { line } = row;
  const own = statusOf(line) === status ? (row.text === line.reading ? "machine" : "corrected") : status;
  if (own === status) queue.decided(line.id);
  saving.put(line, row.text, own, 0);
}

// Takes back the last step, or does it again: wherever in the document it was made.
async function turnBack(row, name) {
  if (name === "undo" && isTyped(row)) {
    row.setText(row.line.text);
    saving.put(row.line, row.line.text, row.line.status);
    return;
  }
  saving.flushAll();
  while (saving.sending.size) await new Promise((done) => setTimeout(done, 15));
  const answer = await call(name === "undo" ? server.undo_text : server.redo_text, { document: page.document.id });
  takeTexts(answer.lines);
  const here = answer.lines.find((line) => line.page === page.id);
  if (here) focusLine(here.line);
  else location.hash = `#/page/${answer.lines[0].page}/line/${answer.lines[0].line}`;
}

// Shows what the server has written on lines; what is being typed there stays, on top of it.
function takeTexts(lines) {
  for (const { line: id, revision, text, status } of lines) {
    const row = rows.find((other) => other.line.id === id);
    if (!row) continue;
    const typed = isTyped(row);
    Object.assign(row.line, { parent: revision, text, status });
    if (!typed) row.setText(text);
    showLine(row.line);
  }
}

const acts = {
  next: (row) => { accept(row); step(row, 1); },
  back: (row) => { accept(row); step(row, -1); },
  "doubtful-next": (row) => { accept(row); stepToDoubtful(row); },
  machine: restoreMachine,
  undo: (row) => turnBack(row, "undo").catch(say),
  redo: (row) => turnBack(row, "redo").catch(say),
  illegible: (row) => mark(row, "illegible"),
  struck: (row) => mark(row, "struck"),
  unsure: (row) => mark(row, "unsure"),
  doubtful: (row) => toggleStatus(row, "doubtful"),
  ignored: (row) => toggleStatus(row, "ignored"),
  choices: (row) => alternatives.next(row, { around: true }) || message(t`No doubtful character is left in this line.`),
  palette: () => palette.open(),
  history: (row) => { saving.flush(row.line); versions.open(row, rows.indexOf(row) + 1).catch(say); },
  replace: (row) => { saving.flush(row.line); replacing.open(row.field.value.slice(row.field.selectionStart, row.field.selectionEnd)).catch(say); },
  around: () => rowTools.toggleContext(),
  larger: () => rowTools.zoom(1),
  smaller: () => rowTools.zoom(-1),
  keys: () => help.showModal(),
};

function key(row, event) {
  if (event.isComposing) return; // an input method is still choosing the character
  if (alternatives.key(row, event)) {
    event.preventDefault();
    return;
  }
  if (event.key === "Backspace" && row.short?.long === row.field.value) {
    event.preventDefault();
    const { short } = row;
    row.setText(short.text);
    saving.put(row.line, row.text, "corrected");
    row.field.setSelectionRange(short.start, short.end);
    row.short = null;
    return;
  }
  // Tab goes from doubt to doubt, and out of the line behind the last one.
  if (chordOf(event) === "Tab" && alternatives.next(row)) {
    event.preventDefault();
    return;
  }
  const act = keymap.actOf(event);
  if (!act || (tools.on && ["undo", "redo"].includes(act))) return;
  event.preventDefault();
  acts[act](row);
}

// ---- drafts and other people -----------------------------------------------------------------
function takeUpDraft(line) {
  const draft = saving.draft(line);
  if (!draft) return;
  if (draft.text === line.text && draft.status === line.status) saving.dropDraft(line);
  else if (draft.parent === line.parent) {
    rowOf(line).setText(draft.text); // nobody wrote since: this is simply the rest of that work
    saving.put(line, draft.text, draft.status, 0);
  } else line.offered = draft;
}

// Texts that an earlier tab could not save and whose lines somebody has taken off the page since.
async function saveLeftDrafts() {
  for (const draft of saving.leftDrafts(page)) {
    const { id, text, status, parent } = draft;
    try {
      const answer = await call(server.save_line, { line: id, text, status, parent, tidy: false });
      if (answer.conflict) message(t`“${text}”, kept in this browser, was not saved: somebody wrote “${answer.conflict.text}” on that line, which is not on this page any more.`, { kind: "error" });
      else if (answer.gone) tellGone(answer);
    } catch (error) {
      if (!(error instanceof window.htr.ServerError)) return; // tried again when the page is opened again
      message(t`“${text}”, kept in this browser, could not be saved. ${error.message}`, { kind: "error" });
    }
    saving.dropDraft(draft);
  }
}

// The text of a line that another tab took off the page is kept, but where is it?
function tellGone(line) {
  window.htr.message(t`“${line.text}” is saved, but its line was taken off this page meanwhile. The text comes back with the line: “Edit lines”, then Undo.`, { kind: "error" });
  refresh().catch(say);
}

function useTheirs(row) {
  const theirs = row.line.conflict;
  Object.assign(row.line, { conflict: null, text: theirs.text, status: theirs.status, parent: theirs.revision });
  saving.dropDraft(row.line);
  row.setText(theirs.text);
  showLine(row.line);
}

function keepMine(row) {
  row.line.parent = row.line.conflict.revision;
  row.line.conflict = null;
  accept(row);
}

// The machine has read another text since the line was given another shape.
const keptKey = (line) => `htr-kept-${line.key}`;

function isKept(line) {
  try {
    return localStorage.getItem(keptKey(line)) === line.reading;
  } catch {
    return false;
  }
}

function useReading(row) {
  row.line.reread = false;
  row.setText(row.line.reading);
  accept(row);
}

function keepText(row) {
  row.line.reread = false;
  try {
    localStorage.setItem(keptKey(row.line), row.line.reading);
  } catch { /* it will be asked again after a reload */ }
  showLine(row.line);
}

function useDraft(row) {
  const draft = row.line.offered;
  row.line.offered = null;
  row.setText(draft.text);
  saving.put(row.line, draft.text, draft.status, 0);
}

// A line that was set aside is text of this page after all: it is read like one that was drawn.
function takeIn(row) {
  tools.put("take", [row.line.id]);
}

function dropDraft(row) {
  row.line.offered = null;
  saving.dropDraft(row.line);
  showLine(row.line);
}

// ---- tools, keys, the place ------------------------------------------------------------------
const tool = (name, act) => element.querySelector(`[data-tool="${name}"]`).addEventListener("click", act);
tool("in", () => page && picture.zoom(ZOOM_STEP));
tool("out", () => page && picture.zoom(1 / ZOOM_STEP));
tool("width", () => { if (page) { picture.touched = false; picture.fitWidth(); } });
tool("page", () => page && picture.fitPage());
tool("lines", (event) => {
  const hidden = element.querySelector(".picture").classList.toggle("without-lines");
  event.currentTarget.setAttribute("aria-pressed", String(!hidden));
});
tool("edit", () => (tools.on ? tools.leave() : tools.enter()));
const keyHints = element.querySelector(".key-hints");
const hint = (act, words) => h("span", {}, chordKeys(keymap.first(act)), words);
const showKeys = () => keyHints.replaceChildren(hint("next", t`accept, next`), hint("back", t`back`), hint("doubtful-next", t`next doubtful`), hint("machine", t`machine's reading`));
showKeymap(help.querySelector(".keymap"), keymap, showKeys);
showKeys();
tool("paste", pasteDialog(element, { page: () => page, server, refresh: () => refresh() }));
tools.showKeys(help.querySelector(".line-keys"));
tool("help", () => help.showModal());
element.querySelector(".close-help").addEventListener("click", () => help.close());
for (const dialog of element.querySelectorAll("dialog")) dialog.addEventListener("close", () => !tools.on && current && current.field.focus({ preventScroll: true }));

// Listeners on the window are removed when the component is mounted anew.
if (window.htr.deskListeners) window.htr.deskListeners.abort();
window.htr.deskListeners = new AbortController();
const { signal } = window.htr.deskListeners;
document.addEventListener("selectionchange", () => {
  if (!current || document.activeElement !== current.field) return;
  current.words.showCaret();
  alternatives.show(current, current.field.selectionStart);
  current.light();
  current.keepCaretInView();
}, { signal });
document.addEventListener("keydown", (event) => {
  const typing = ["TEXTAREA", "INPUT", "SELECT"].includes(document.activeElement?.tagName);
  if (((event.key === "?" && !typing) || (event.key === "F1" && !event.defaultPrevented)) && !help.open && window.htr.address().place === "desk") {
    event.preventDefault();
    help.showModal();
  }
}, { signal });
document.addEventListener("keydown", (event) => {
  if (window.htr.address().place === "desk" && tools.key(event)) event.preventDefault();
}, { signal });
document.addEventListener("keyup", (event) => tools.keyUp(event), { signal });
tools.watchRows(signal);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") {
    saving.flushAll();
    tools.settle();
  } else refresh().catch(() => {}); // a server that is away shows itself at the next save
}, { signal });
window.addEventListener("beforeunload", (event) => (saving.unsaved || tools.unsaved) && event.preventDefault(), { signal });
const LOOKS = ["textSize_px", "doubtBelow", "wordsStand", "lineZoom", "context", "textFont"];
window.addEventListener("htr-preference", (event) => {
  if (!LOOKS.includes(event.detail.name)) return;
  RowText.family = null;
  rows.forEach((row) => row.near && row.resize());
  if (current) rowTools.apply(current);
}, { signal });

// Rows are set under their ink when they come near the eyes, and again when the desk gets wider.
const nearness = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    const row = isIntersecting && rows.find((other) => other.element === target);
    if (!row) continue;
    nearness.unobserve(target);
    row.near = true;
    row.draw();
  }
}, { root: list, rootMargin: "600px" });
new ResizeObserver(() => {
  const style = getComputedStyle(list);
  const room_px = list.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - ROW_EDGES_PX;
  if (room_px === Row.room_px || list.clientWidth === 0) return;
  Row.room_px = room_px;
  rows.forEach((row) => row.near && row.resize());
  if (current) rowTools.apply(current);
}).observe(list);
document.fonts.addEventListener("loadingdone", () => rows.forEach((row) => row.near && row.resize()), { signal });

place("desk", {
  enter(at) {
    if (at.page === null) location.hash = "#/";
    else if (page && page.id === at.page && page.state === "ready" && rows.length && current) {
      if (at.line) focusLine(at.line);
      refresh().catch(() => {});
    } else open(at.page, at.line).catch(say);
  },
  leave() {
    clearTimeout(timer);
    queue.tellSeen();
    saving.flushAll();
    tools.leave();
  },
});
