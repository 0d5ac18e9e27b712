// Saving corrections: one request a line at a time, in order; a draft in this browser until the
// database has acknowledged the text; retries for as long as the server cannot be reached.
const RETRY_MS = 2000;
const PAUSE_MS = 500; // typing pauses this long before the text is sent

class Saving {
  // `send({line, text, status, parent})` answers {revision, text, status, gone} or {conflict}.
  // `changed(line)` is called whenever what is shown beside the line must change, `gone(line)` when
  // a text was saved whose line somebody has taken off the page meanwhile.
  constructor(send, changed, gone) {
    this.send = send;
    this.changed = changed;
    this.gone = gone;
    this.waiting = new Map(); // line -> {text, status, timer}
    this.sending = new Set();
    this.problem = new Map(); // line -> "offline" or the sentence of a refusal
  }

  draftKey(line) {
    return `htr-draft-${line.key}`;
  }

  // Returns the draft that this browser kept of the line and the database has not, or null.
  draft(line) {
    try {
      return JSON.parse(localStorage.getItem(this.draftKey(line)));
    } catch {
      return null;
    }
  }

  keepDraft(line, text, status) {
    try {
      const draft = { text, status, parent: line.parent, time: new Date().toISOString() };
      localStorage.setItem(this.draftKey(line), JSON.stringify(draft));
    } catch {
      // A full or forbidden storage leaves the open page itself as the only copy; the mark beside
      // the line says "not saved" until the database has the text, which stays true.
    }
  }

  // Returns [{id, key, text, status, parent}]: drafts of this image's lines that are not on the page.
  leftDrafts(page) {
    const prefix = `htr-draft-${page.version}-`;
    const here = new Set(page.lines.map((line) => this.draftKey(line)));
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(prefix) && !here.has(key)).map((key) => {
        const id = Number(key.slice(prefix.length));
        return { id, key: `${page.version}-${id}`, ...JSON.parse(localStorage.getItem(key)) };
      });
    } catch {
      return [];
    }
  }

  dropDraft(line) {
    try {
      localStorage.removeItem(this.draftKey(line));
    } catch { /* there was none */ }
  }

  // `tidy`: a person is done with the line, and the rules of its document may change the text.
  // Takes the text to save after `pause_ms`; a later text of the same line replaces it.
  put(line, text, status, pause_ms = PAUSE_MS, tidy = false) {
    const before = this.waiting.get(line);
    if (before) clearTimeout(before.timer);
    const untidied = tidy && line.typed; // it was saved as it was typed
    line.typed = !tidy;
    if (line.text === text && line.status === status && !this.sending.has(line) && !untidied) {
      this.waiting.delete(line);
      this.problem.delete(line);
      line.wanted = null;
      this.dropDraft(line);
      this.changed(line);
      return;
    }
    line.wanted = status; // what the line is to be, until the database has it
    this.keepDraft(line, text, status);
    const timer = setTimeout(() => this.flush(line), pause_ms);
    this.waiting.set(line, { text, status, timer, tidy });
    this.changed(line);
  }

  flushAll() {
    for (const line of [...this.waiting.keys()]) this.flush(line);
  }

  async flush(line) {
    const item = this.waiting.get(line);
    if (!item || this.sending.has(line)) return;
    clearTimeout(item.timer);
    this.waiting.delete(line);
    this.sending.add(line);
    this.changed(line);
    try {
      const answer = await this.send({ line: line.id, text: item.text, status: item.status, parent: line.parent, tidy: item.tidy });
      this.accept(line, answer, item.text);
    } catch (error) {
      this.refuse(line, item, error);
    } finally {
      this.sending.delete(line);
    }
    if (this.waiting.has(line) && this.problem.get(line) === undefined) this.flush(line);
    this.changed(line);
  }

  accept(line, answer, sent) {
    if (answer.conflict) {
      line.conflict = answer.conflict;
      return;
    }
    Object.assign(line, { parent: answer.revision, text: answer.text, status: answer.status });
    this.problem.delete(line);
    if (this.waiting.has(line)) return;
    line.wanted = null;
    this.dropDraft(line);
    if (answer.text !== sent) line.written = { sent, text: answer.text }; // NFC, or by the document's rules
    if (answer.gone) this.gone(line);
  }

  refuse(line, item, error) {
    const refused = error instanceof window.htr.ServerError;
    this.problem.set(line, refused ? error.message : "offline");
    if (this.waiting.has(line)) return; // a newer text waits and will be tried instead
    const timer = refused ? null : setTimeout(() => this.flush(line), RETRY_MS);
    this.waiting.set(line, { ...item, timer });
  }

  // Returns what to show beside the line: "", "editing", "saving", "saved", "offline", "refused".
  stateOf(line) {
    const problem = this.problem.get(line);
    if (problem) return problem === "offline" ? "offline" : "refused";
    if (this.sending.has(line)) return "saving";
    if (this.waiting.has(line)) return "editing";
    return line.parent ? "saved" : "";
  }

  // Returns true while the database lacks something that was typed here.
  get unsaved() {
    return this.waiting.size + this.sending.size > 0;
  }
}
