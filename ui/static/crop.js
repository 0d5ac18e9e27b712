// A frame on the image of a page: drawn by pointer, or set by numbers; what is outside is cut off.
const SIDES = [["left", t`left, px`], ["top", t`top, px`], ["right", t`right, px`], ["bottom", t`bottom, px`]];

class Crop {
  // acts: {server, refresh()}
  constructor(place, acts) {
    const { h, say } = window.htr;
    this.acts = acts;
    this.dialog = place.querySelector(".crop-dialog");
    this.image = this.dialog.querySelector("img");
    this.frame = this.dialog.querySelector(".frame");
    this.fields = Object.fromEntries(SIDES.map(([side]) => [side, h("input", { type: "number", min: 0, step: 1 })]));
    this.dialog.querySelector(".sides").replaceChildren(...SIDES.map(([side, words]) => h("label", {}, words, this.fields[side])));
    for (const field of Object.values(this.fields)) field.addEventListener("input", () => this.showFrame());
    const sheet = this.dialog.querySelector(".crop-sheet");
    sheet.addEventListener("pointerdown", (event) => this.draw(sheet, event));
    this.dialog.querySelector(".cancel").addEventListener("click", () => this.dialog.close());
    this.dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.cut().catch(say);
    });
  }

  get open() {
    return this.dialog.open;
  }

  ask(page) {
    this.page = page;
    this.dialog.querySelector("h2").textContent = t`Crop page ${page.number}`;
    this.image.src = page.image;
    this.set(0, 0, page.width, page.height);
    this.dialog.showModal();
  }

  set(left, top, right, bottom) {
    const { width, height } = this.page;
    const within = (value, most) => Math.round(Math.min(most, Math.max(0, value)));
    this.fields.left.value = within(Math.min(left, right), width);
    this.fields.right.value = within(Math.max(left, right), width);
    this.fields.top.value = within(Math.min(top, bottom), height);
    this.fields.bottom.value = within(Math.max(top, bottom), height);
    this.showFrame();
  }

  sides() {
    return SIDES.map(([side]) => Number(this.fields[side].value) || 0);
  }

  showFrame() {
    const [left, top, right, bottom] = this.sides();
    const { width, height } = this.page;
    Object.assign(this.frame.style, {
      left: `${(100 * left) / width}%`, top: `${(100 * top) / height}%`,
      width: `${(100 * Math.max(0, right - left)) / width}%`, height: `${(100 * Math.max(0, bottom - top)) / height}%`,
    });
  }

  draw(sheet, event) {
    event.preventDefault();
    const box = sheet.getBoundingClientRect();
    const at = (moved) => [((moved.clientX - box.left) / box.width) * this.page.width, ((moved.clientY - box.top) / box.height) * this.page.height];
    const [x, y] = at(event);
    sheet.setPointerCapture(event.pointerId);
    const move = (moved) => this.set(x, y, ...at(moved));
    sheet.addEventListener("pointermove", move);
    sheet.addEventListener("pointerup", () => sheet.removeEventListener("pointermove", move), { once: true });
  }

  async cut() {
    const { call } = window.htr;
    await call(this.acts.server.cut_page, { page: this.page.id, frame: this.sides().map((side) => side + 1) });
    this.dialog.close();
    await this.acts.refresh();
    tellTurned([this.page.id], t`Page ${this.page.number} was cropped; its lines followed.`, this.acts);
  }
}

// Says what was done to the images of pages, and offers the way back.
function tellTurned(pages, words, { server, refresh }) {
  const { call, message, say } = window.htr;
  message(words, {
    action: t`Undo`, stay_ms: 15000, onAction: () => call(server.undo_turns, { pages }).then(refresh).catch(say),
  });
}
