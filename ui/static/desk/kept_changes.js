// Changes of lines that the database has not acknowledged, kept in this browser, so that they outlive
// the tab: one entry a change. Where the storage is full or forbidden, the open tab is the only copy.
class KeptChanges {
  constructor(page) {
    this.prefix = `htr-lines-${page.id}-`;
    this.version = page.version;
  }

  // `known`: number of the change of lines that these were made upon.
  keep(items, known) {
    try {
      for (const item of items) {
        const entry = { ...item, known, version: this.version };
        localStorage.setItem(this.prefix + item.token, JSON.stringify(entry));
      }
    } catch { /* the mark in the tools says "not saved" until the database has them */ }
  }

  drop(items) {
    try {
      for (const item of items) localStorage.removeItem(this.prefix + item.token);
    } catch { /* there were none */ }
  }

  // Returns what was kept of this page, in the order in which it was done. Changes of an image that
  // was turned or cropped since fit no more: they are dropped, and `told` of how many.
  all(told) {
    const entries = [];
    try {
      for (const key of Object.keys(localStorage)) {
        if (key.startsWith(this.prefix)) entries.push(JSON.parse(localStorage.getItem(key)));
      }
    } catch {
      return [];
    }
    const fitting = entries.filter((entry) => entry.version === this.version);
    const others = entries.filter((entry) => entry.version !== this.version);
    this.drop(others);
    if (others.length) told(others.length);
    return fitting.sort((a, b) => a.time - b.time || a.number - b.number);
  }
}

// Undo and redo mean the newest change of the page. Where others have changed it, only those are left
// that take back or repeat a change of the same list.
function withoutForeignSteps(items) {
  let done = 0, undone = 0;
  return items.filter(({ change }) => {
    if (change.what === "undo") return done > 0 && (done -= 1, undone += 1, true);
    if (change.what === "redo") return undone > 0 && (undone -= 1, done += 1, true);
    done += 1;
    undone = 0;
    return true;
  });
}
