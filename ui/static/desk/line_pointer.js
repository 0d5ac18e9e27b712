// The line editor under the pointer: clicks, drags and rectangles. The picture passes on what it
// does not need itself for panning and zooming.
Object.assign(LineTools.prototype, {
  at(event) {
    const box = this.picture.holder.getBoundingClientRect();
    const { scale, x, y } = this.picture.view;
    return [(event.clientX - box.left - x) / scale, (event.clientY - box.top - y) / scale];
  },

  hit(event) {
    const reach_px = (event.pointerType === "touch" ? 2 : 1) * REACH_PX / this.picture.view.scale;
    return Geometry.hit(this.lines, this.at(event), reach_px, this.selection.ids);
  },

  // Returns true where the pointer now drags something of ours; else the picture pans.
  down(event) {
    if (!this.on) return false;
    this.picture.holder.focus({ preventScroll: true });
    if (this.spaceHeld || event.button > 0) return false;
    const from = this.at(event);
    if (this.tool === "box" || (this.tool === "select" && event.shiftKey)) {
      this.drag = { kind: "box", from };
      return true;
    }
    if (this.tool !== "select") return false;
    const hit = this.hit(event);
    if (!hit || !this.selection.ids.has(hit.line.id)) return false;
    const lines = hit.point === undefined ? this.chosen : [hit.line];
    this.drag = { kind: "lines", from, point: hit.point, lines, moved: new Map() };
    return true;
  },

  move(event) {
    if (!this.drag) return;
    this.drag.to = this.at(event);
    this.drag.moves = this.drag.moves || this.picture.moved_px > CLICK_PX;
    if (!this.drag.moves || this.frame) return;
    if (this.drag.kind === "lines" && !this.overlay.ghosts.size) {
      this.settle();
      this.overlay.take(this.drag.lines);
      this.overlay.points.style.display = "none";
    }
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      if (this.drag) this.drawDrag();
    });
  },

  drawDrag() {
    const { kind, from, to, point, lines, moved } = this.drag;
    if (kind === "box") {
      this.corners = [from, to];
      this.sketch();
      return;
    }
    const page = this.desk.page();
    const by = [to[0] - from[0], to[1] - from[1]];
    for (const line of lines) {
      const baseline = point === undefined ? Geometry.movedBy(line.baseline, by, page)
        : Geometry.withPointAt(line.baseline, point, line.baseline[point].map((n, k) => n + by[k]), page);
      moved.set(line.id, baseline);
      this.overlay.drag(line.id, baseline);
    }
  },

  up(event) {
    const { drag } = this;
    if (!drag?.moves) {
      this.cancel();
      if (drag) this.click(event);
      return;
    }
    drag.to = this.at(event);
    this.drawDrag();
    this.cancel();
    if (drag.kind === "lines") {
      if (drag.point !== undefined) this.selection.set([drag.lines[0].id], drag.point);
      this.reshape(drag.moved);
    } else {
      const inside = this.lines.filter((line) => Geometry.inBox(line.baseline, drag.from, drag.to));
      const kept = event.shiftKey ? [...this.selection.ids] : [];
      this.select([...kept, ...inside.map((line) => line.id)]);
    }
  },

  // Lets go of what is dragged; the lines are where they were.
  cancel() {
    if (this.frame) cancelAnimationFrame(this.frame);
    this.frame = null;
    this.drag = null;
    this.corners = null;
    if (!this.overlay.svg) return;
    this.overlay.drop();
    this.overlay.points.style.display = "";
  },

  // The pointer went down and up in the same place.
  click(event) {
    const at = this.at(event);
    const now_ms = performance.now();
    const twice = now_ms - this.clicked.time < DOUBLE_MS
      && Geometry.distance(this.clicked.at, [event.clientX, event.clientY]) < CLICK_PX;
    this.clicked = { time: twice ? 0 : now_ms, at: [event.clientX, event.clientY] };
    if (this.tool === "draw") this.addDrawn(at, twice);
    else if (this.tool === "split") this.clickToSplit(event);
    else this.clickToSelect(event, twice);
  },

  addDrawn(at, twice) {
    if (twice) {
      this.finishDrawing();
      return;
    }
    this.drawing = [...(this.drawing || []), Geometry.onPage(at, this.desk.page())];
    this.show();
  },

  clickToSplit(event) {
    const hit = this.hit(event);
    if (hit) this.split(hit.line, Geometry.nearest(hit.line.baseline, this.at(event)).point);
    else window.htr.message(t`There is no line here to split. Click on a line, or press Esc.`);
  },

  clickToSelect(event, twice) {
    const hit = this.hit(event);
    if (!hit) {
      if (!event.shiftKey) this.select([]);
    } else if (twice && hit.segment !== undefined && this.selection.ids.has(hit.line.id)) {
      this.addPoint(hit.line, hit.segment, hit.at);
    } else if (event.shiftKey) {
      this.selection.toggle(hit.line.id);
      this.show();
    } else this.select([hit.line.id], { point: hit.point ?? null });
  },

  // The pointer moves without a button: the next piece of a drawn line follows it.
  hover(event) {
    if (!this.on || !this.drawing?.length || this.frame) return;
    const at = this.at(event);
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      if (this.drawing?.length) this.sketch(at);
    });
  },

  viewed(scaled) {
    if (scaled && this.on && this.overlay.svg) this.overlay.zoomed();
  },

  // ---- rows dragged by their number ----------------------------------------------------------
  watchRows(signal) {
    const { list } = this.desk;
    list.addEventListener("pointerdown", (event) => {
      const row = event.target.closest(".number")?.closest(".row");
      if (!this.on || !row || event.button > 0) return;
      event.preventDefault();
      list.setPointerCapture(event.pointerId);
      this.carried = { row, id: Number(row.dataset.line), before: undefined };
      row.classList.add("carried");
    }, { signal });
    list.addEventListener("pointermove", (event) => this.carried && this.carry(event), { signal });
    list.addEventListener("pointerup", () => this.putDown(true), { signal });
    list.addEventListener("pointercancel", () => this.putDown(false), { signal });
  },

  carry(event) {
    const { list } = this.desk;
    const box = list.getBoundingClientRect();
    if (event.clientY < box.top + 40) list.scrollTop -= 14;
    if (event.clientY > box.bottom - 40) list.scrollTop += 14;
    const rows = [...list.querySelectorAll(".row")];
    const next = rows.find((row) => {
      const place = row.getBoundingClientRect();
      return event.clientY < place.top + place.height / 2;
    });
    for (const row of rows) row.classList.toggle("drop-before", row === next);
    rows.at(-1)?.classList.toggle("drop-after", !next);
    this.carried.before = next ? Number(next.dataset.line) : null;
  },

  putDown(done) {
    const { carried } = this;
    this.carried = null;
    if (!carried) return;
    for (const row of this.desk.list.querySelectorAll(".row")) row.classList.remove("carried", "drop-before", "drop-after");
    if (done && carried.before !== undefined && carried.before !== carried.id) this.place(carried.id, carried.before);
  },
});
