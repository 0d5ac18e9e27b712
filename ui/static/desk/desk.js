// The desk: one page, its image on the left and its lines on the right. What belongs to one noun
// stands in a file of its own: counter.js, page_bar.js, moving.js, editing.js, drafts.js.
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
