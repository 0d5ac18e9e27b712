// Texts that wait for a word of their writer: drafts, what others wrote meanwhile, other readings.
// Part of desk.js, whose page, rows and current line it shares.

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
