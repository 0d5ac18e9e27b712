// What keys and buttons do to the text and the status of a line.
// Part of desk.js, whose page, rows and current line it shares.

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
  link: () => window.htr.copyLink(), // the address names the current line
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
