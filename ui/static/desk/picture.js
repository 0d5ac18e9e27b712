// The page image with its lines drawn on it: pan, zoom, and following the current line.
const ZOOM_STEP = 1.25;
const CLICK_PX = 5; // a pointer that moved less than this clicked; more, and it dragged

class Picture {
  // `holder` shows the image; `onLine(id)` is called when a line is clicked. An `editor` (the line
  // editor) is asked first what a pointer does; `selected` are the lines it has selected.
  constructor(holder, onLine) {
    this.holder = holder;
    this.onLine = onLine;
    this.pointers = new Map();
    this.view = { scale: 1, x: 0, y: 0 };
    this.moved_px = 0;
    holder.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    holder.addEventListener("pointerdown", (event) => this.down(event));
    holder.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) holder.addEventListener(end, (event) => this.up(event));
    new ResizeObserver(() => this.page && !this.touched && this.fitWidth()).observe(holder);
  }

  show(page) {
    const { h } = window.htr;
    this.page = page;
    this.touched = false; // nobody has zoomed yet: keep fitting the width
    this.groups = new Map();
    const svg = h("svg", { viewBox: `0 0 ${page.width} ${page.height}`, "aria-hidden": "true" });
    this.svg = svg;
    for (const line of page.lines) this.putLine(line);
    this.sheet = h("div", { class: "sheet", style: `width:${page.width}px;height:${page.height}px` },
      h("img", { src: page.image, alt: t`Scan of ${page.name}`, draggable: "false" }), svg);
    this.holder.replaceChildren(this.sheet);
    this.fitWidth();
  }

  // Draws a line that is new, or as it is now.
  putLine(line) {
    const { h } = window.htr;
    const written = (points) => points.map(([x, y]) => `${x},${y}`).join(" ");
    let group = this.groups.get(line.id);
    if (!group) {
      group = h("g", { class: "line", "data-line": line.id }, h("polygon"), h("polyline"));
      this.groups.set(line.id, group);
      this.svg.append(group);
    }
    group.firstElementChild.setAttribute("points", written(line.polygon));
    group.lastElementChild.setAttribute("points", written(line.baseline));
    this.mark(line);
  }

  dropLine(id) {
    this.groups.get(id)?.remove();
    this.groups.delete(id);
    if (this.current?.id === id) this.current = null;
  }

  mark(line) {
    const group = this.groups.get(line.id);
    const marks = ["line", line.status, isAside(line) && "aside", line === this.current && "current", this.selected?.ids.has(line.id) && "selected"];
    const written = marks.filter(Boolean).join(" ");
    if (group && group.getAttribute("class") !== written) group.setAttribute("class", written);
  }

  setCurrent(line, follow = true) {
    const before = this.current;
    this.current = line;
    if (before) this.mark(before);
    if (line) {
      this.mark(line);
      this.groups.get(line.id)?.parentNode.append(this.groups.get(line.id)); // lit above its neighbours
      if (follow) this.follow(line);
    }
  }

  // Moves the image, gently, just far enough that the line is comfortably in view.
  follow(line) {
    const points = [...line.polygon, ...line.baseline];
    const xs = points.map((point) => point[0]), ys = points.map((point) => point[1]);
    const box = this.holder.getBoundingClientRect();
    const { scale } = this.view;
    const within = (low, high, size, offset) => {
      const margin = Math.min(90, size / 6);
      if (high * scale - low * scale > size - 2 * margin) return margin / 3 - low * scale;
      if (low * scale + offset < margin) return Math.min(0, margin - low * scale); // no gap above the page
      if (high * scale + offset > size - margin) return size - margin - high * scale;
      return offset;
    };
    const x = within(Math.min(...xs), Math.max(...xs), box.width, this.view.x);
    const y = within(Math.min(...ys), Math.max(...ys), box.height, this.view.y);
    this.set({ scale, x: this.page.width * scale <= box.width ? this.view.x : x, y }, true);
  }

  set(view, gently = false) {
    const scaled = view.scale !== this.view.scale;
    this.view = view;
    this.sheet.classList.toggle("gently", gently);
    this.sheet.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    this.sheet.style.setProperty("--thin", `${1 / view.scale}px`);
    this.editor?.viewed(scaled);
  }

  fitWidth() {
    const box = this.holder.getBoundingClientRect();
    if (!box.width) return;
    this.set({ scale: box.width / this.page.width, x: 0, y: 0 });
    if (this.current) this.follow(this.current);
  }

  fitPage() {
    const box = this.holder.getBoundingClientRect();
    const scale = Math.min(box.width / this.page.width, box.height / this.page.height);
    this.touched = true;
    this.set({ scale, x: (box.width - this.page.width * scale) / 2, y: (box.height - this.page.height * scale) / 2 });
  }

  // Zooms by `factor`, keeping the point (x, y) of the holder where it is.
  zoom(factor, x, y) {
    const box = this.holder.getBoundingClientRect();
    const at = { x: x ?? box.width / 2, y: y ?? box.height / 2 };
    const scale = Math.min(8, Math.max(0.05, this.view.scale * factor));
    const real = scale / this.view.scale;
    this.touched = true;
    this.set({ scale, x: at.x - (at.x - this.view.x) * real, y: at.y - (at.y - this.view.y) * real });
  }

  wheel(event) {
    if (!this.page) return;
    event.preventDefault();
    const box = this.holder.getBoundingClientRect();
    const turn = Math.max(-60, Math.min(60, event.deltaY));
    this.zoom(Math.exp(-turn / 220), event.clientX - box.left, event.clientY - box.top);
  }

  down(event) {
    if (!this.page) return;
    event.preventDefault(); // the text field keeps the keyboard
    this.holder.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.pointers.size === 1) {
      this.moved_px = 0;
      this.pressed = event.target.closest?.("[data-line]");
      this.taken = this.editor?.down(event) || false;
    } else if (this.taken) { // a second finger: pinch instead
      this.editor.cancel();
      this.taken = false;
    }
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.editor?.hover(event);
      return;
    }
    const now = [event.clientX, event.clientY];
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId);
    this.moved_px += Math.hypot(now[0] - before[0], now[1] - before[1]);
    this.pointers.set(event.pointerId, now);
    if (this.taken) this.editor.move(event);
    else if (others.length) {
      const [, other] = others[0];
      const distance = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
      const box = this.holder.getBoundingClientRect();
      this.zoom(distance(now) / Math.max(1, distance(before)), (now[0] + other[0]) / 2 - box.left, (now[1] + other[1]) / 2 - box.top);
    } else if (this.moved_px > CLICK_PX) {
      this.touched = true;
      this.set({ ...this.view, x: this.view.x + now[0] - before[0], y: this.view.y + now[1] - before[1] });
    }
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    const clicked = event.type === "pointerup" && !this.pointers.size && this.moved_px <= CLICK_PX;
    if (this.taken) {
      this.taken = false;
      if (event.type === "pointerup") this.editor.up(event);
      else this.editor.cancel();
    } else if (clicked && this.editor?.on) this.editor.click(event);
    else if (clicked && this.pressed) {
      this.onLine(Number(this.pressed.dataset.line));
    }
  }
}
