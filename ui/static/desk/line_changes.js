// Saving changes of lines: one after the other, each tried until the server has answered; then
// the changed lines are read again. One for each page that is opened. What is not saved yet is kept
// in the browser as well, and taken up when the page is opened again.
const LINES_RETRY_MS = 2000;

class LineChanges {
  // `send(request)` and `read({page})` ask the server. `told` is called with what happened:
  // {answered(answer), read(lines), refused(sentence, lost), conflict(answer, lost), changed(),
  // waiting(author, items): changes of an earlier tab wait, for somebody changed the page since}.
  constructor(page, send, read, told) {
    this.page = page;
    this.known = page.layout;
    this.send = send;
    this.read = read;
    this.told = told;
    this.kept = new KeptChanges(page);
    this.queue = [];
    this.state = ""; // "", "saving", "saved", "offline", "refused"
    this.reading = false;
  }

  // Takes a change to save, {what, ...}. `touches`: ids of the lines that already look changed here.
  put(change, touches = []) {
    const token = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.number = (this.number || 0) + 1;
    const item = { change, token, touches, time: Date.now(), number: this.number };
    this.queue.push(item);
    this.kept.keep([item], this.known);
    this.run();
  }

  // Goes on with changes that were made before this page was opened. Their tokens tell the server
  // which of them it has already; where somebody else changed the page since, they wait for a word.
  takeUp(items, known) {
    if (!items.length) return;
    this.earlier = items.length;
    this.known = known;
    this.queue.push(...items);
    this.run();
  }

  // Makes those changes upon the page as it is now; returns how many fit it.
  makeAnyway(items) {
    const fitting = withoutForeignSteps(items);
    this.kept.drop(items);
    this.kept.keep(fitting, this.known);
    this.queue.push(...fitting);
    this.run();
    return fitting.length;
  }

  // Gives up what is not saved yet, to be taken up by another one of the same page.
  handOver() {
    return { items: this.queue.splice(0), known: this.known };
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

  // The order of lines is said when the server is asked, for changes before may bring new ones.
  asked({ what, line, before, by, ...more }) {
    if (!["place", "shift"].includes(what)) return { what, line, ...more };
    const order = this.page.lines.map((other) => other.id).filter((id) => id !== line);
    const was = this.page.lines.findIndex((other) => other.id === line);
    const at = what === "shift" ? Math.max(0, was + by) : before === null ? -1 : order.indexOf(before);
    order.splice(at < 0 ? order.length : Math.min(order.length, at), 0, line);
    return { what: "reorder", lines: order };
  }

  async sendFirst() {
    const [item] = this.queue;
    let answer = null;
    try {
      answer = await this.send({ ...this.asked(item.change), page: this.page.id, known: this.known, token: item.token });
    } catch (error) {
      if (this.queue[0] !== item) return; // handed over meanwhile
      if (error instanceof window.htr.ServerError) this.giveUp((lost) => this.told.refused(error.message, lost));
      else {
        this.show("offline");
        await new Promise((resolve) => setTimeout(resolve, LINES_RETRY_MS));
      }
      return;
    }
    if (this.queue[0] !== item) return;
    this.known = answer.layout;
    if (answer.conflict !== undefined && this.earlier) {
      const waiting = this.queue.splice(0, this.earlier);
      this.earlier = 0;
      this.told.answered(answer);
      this.show("refused");
      this.told.waiting(answer.conflict, waiting);
    } else if (answer.conflict !== undefined) this.giveUp((lost) => this.told.conflict(answer, lost));
    else this.taken(item, answer);
  }

  taken(item, answer) {
    this.queue.shift();
    if (this.earlier) this.earlier -= 1;
    this.kept.drop([item]);
    this.kept.keep(this.queue, this.known);
    if (!this.queue.length) this.show("saved");
    this.told.answered(answer);
  }

  // What came after a change that was not made rests on it.
  giveUp(tell) {
    const lost = this.queue.splice(0);
    this.kept.drop(lost);
    this.earlier = 0;
    this.show("refused");
    tell(lost.length);
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
