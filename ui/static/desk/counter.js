// What is left to do on the page or in the queue, the pace, and whether all is saved.
// Part of desk.js, whose page, rows and current line it shares.

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
