// Going from line to line: the current one, the next, the next doubtful one, one on another page.
// Part of desk.js, whose page, rows and current line it shares.

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
