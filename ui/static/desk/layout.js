// What the server says of the lines of the page, brought into rows and picture in place: rows stay
// the same elements, so that focus, caret and unsaved text stay too.

// `desk`: {page, rows, list, picture, saving, newRow(line)}. `answer`: {lines, order?}.
// `touched`: ids of lines whose geometry here is newer. Returns the rows in their order, and those
// of them that look different.
function bringIn(answer, desk, touched = new Set()) {
  const rows = new Map(desk.rows.map((row) => [row.line.id, row]));
  const changed = [];
  for (const fresh of answer.lines) {
    const row = rows.get(fresh.id);
    if (row && renewLine(row, fresh, desk, touched.has(fresh.id))) changed.push(row);
    else if (!row && answer.order) {
      rows.set(fresh.id, desk.newRow(fresh));
      changed.push(rows.get(fresh.id));
    }
  }
  if (!answer.order) return { rows: desk.rows, changed };
  const kept = answer.order.map((id) => rows.get(id)).filter(Boolean);
  const staying = new Set(kept);
  for (const row of desk.rows) {
    if (staying.has(row)) continue;
    desk.saving.flush(row.line); // what was typed is kept with the line, should it come back
    row.element.remove();
    desk.picture.dropLine(row.line.id);
  }
  placeRows(desk.list, kept);
  desk.page.lines = kept.map((row) => row.line);
  return { rows: kept, changed };
}

function renewLine(row, fresh, { saving, picture }, newerHere) {
  const { line } = row;
  const edited = row.text !== line.text || saving.waiting.has(line) || saving.sending.has(line) || line.conflict;
  const { text, status, parent, baseline, polygon, ...seen } = fresh;
  const same = ["crop", "reading", "unread", "aside"].every((name) => line[name] === fresh[name])
    && (edited || (line.text === text && line.status === status));
  Object.assign(line, seen);
  if (!newerHere) Object.assign(line, { baseline, polygon });
  if (!edited) {
    const other = text !== line.text;
    Object.assign(line, { text, status, parent });
    if (other) row.setText(text);
  }
  picture.putLine(line);
  if (row.drawnAs !== line.crop) row.renew();
  return !same;
}

// Puts the rows into their order and numbers them. The focused row is never taken out of the page,
// which would take the caret from it, and the list does not scroll under the eyes.
function placeRows(list, rows) {
  const still = rows.find((row) => row.element.contains(document.activeElement))
    || rows.find((row) => row.element.classList.contains("current"));
  const top_px = still?.element.isConnected ? still.element.getBoundingClientRect().top : null;
  let next = list.firstElementChild;
  const at = rows.indexOf(still);
  rows.forEach((row, index) => {
    row.setNumber(index + 1);
    if (row.element === next) next = next.nextElementSibling;
    else if (index === at && still.element.isConnected) {
      while (next !== still.element) { // those that come after it are put there in their turn
        const passed = next;
        next = next.nextElementSibling;
        list.append(passed);
      }
      next = still.element.nextElementSibling;
    } else list.insertBefore(row.element, next);
  });
  const end = list.querySelector(".end");
  if (end) list.append(end);
  if (top_px !== null) list.scrollTop += still.element.getBoundingClientRect().top - top_px;
}
