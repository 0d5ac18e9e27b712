// Saving changes of lines: one after the other, each tried until the server has answered; then
// the changed lines are read again. One for each page that is opened.
const LINES_RETRY_MS = 2000;

class LineChanges {
  // `send(request)` and `read({page})` ask the server. `told` is called with what happened:
  // {answered(answer), read(lines), refused(sentence, lost), conflict(answer, lost), changed()}.
  constructor(page, send, read, told) {
    this.page = page;
    this.known = page.layout;
    this.send = send;
    this.read = read;
    this.told = told;
    this.queue = [];
    this.state = ""; // "", "saving", "saved", "offline", "refused"
    this.reading = false;
  }

  // Takes a change to save: {what, ...}, or a function that says it when its turn has come.
  // `touches`: ids of the lines that already look changed here.
  put(change, touches = []) {
    const token = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.queue.push({ change, token, touches });
    this.run();
  }

  // Returns the ids of lines whose geometry here is newer than the server's.
  get touched() {
    return new Set(this.queue.flatMap((item) => item.touches));
  }

  get unsaved() {
    return this.queue.length > 0;
  }

  show(state) {
    this.state = state;
    this.told.changed();
  }

  async run() {
    if (this.running) return;
    this.running = true;
    while (this.queue.length) {
      if (this.state !== "offline") this.show("saving");
      await this.sendFirst();
    }
    this.running = false;
    if (this.state === "saved") this.readChanged();
  }

  async sendFirst() {
    const [item] = this.queue;
    const change = typeof item.change === "function" ? item.change() : item.change;
    let answer = null;
    try {
      answer = await this.send({ ...change, page: this.page.id, known: this.known, token: item.token });
    } catch (error) {
      if (error instanceof window.htr.ServerError) {
        const lost = this.queue.splice(0).length; // what came after it rests on it
        this.show("refused");
        this.told.refused(error.message, lost);
        return;
      }
      this.show("offline");
      await new Promise((resolve) => setTimeout(resolve, LINES_RETRY_MS));
      return;
    }
    this.known = answer.layout;
    if (answer.conflict !== undefined) {
      const lost = this.queue.splice(0).length;
      this.show("refused");
      this.told.conflict(answer, lost);
      return;
    }
    this.queue.shift();
    if (!this.queue.length) this.show("saved");
    this.told.answered(answer);
  }

  // Has lines read whose geometry has changed, a few at a time, until none is left.
  async readChanged() {
    this.toRead = true; // also for what changes while the server reads
    if (this.reading) return;
    this.reading = true;
    try {
      while (this.toRead && !this.queue.length) {
        this.toRead = false;
        const unread = this.page.lines.filter((line) => line.unread).map((line) => line.id);
        const answer = await this.read({ page: this.page.id, lines: unread });
        this.told.read(answer.lines);
        if (answer.read && answer.left) this.toRead = true;
      }
    } catch (error) {
      window.htr.say(error); // the lines stay unread; they are tried again with the next change
    } finally {
      this.reading = false;
    }
  }
}
