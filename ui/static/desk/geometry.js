// Baselines as lists of [x, y] in pixels of the page: pure functions, and what is selected.
const SHOW_POINTS_OF = 12; // with more lines selected, their points would only be in the way

const Geometry = {
  distance: (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]),
  rounded: (point) => [Math.round(point[0] * 10) / 10, Math.round(point[1] * 10) / 10],
  written: (points) => points.map(([x, y]) => `${x},${y}`).join(" "),

  // Returns the nearest place on a baseline: {distance, segment, point}.
  nearest(points, at) {
    let best = { distance: Infinity, segment: 0, point: points[0] };
    for (let k = 0; k + 1 < points.length; k += 1) {
      const [x, y] = points[k];
      const step = [points[k + 1][0] - x, points[k + 1][1] - y];
      const length = step[0] ** 2 + step[1] ** 2 || 1e-9;
      const share = Math.max(0, Math.min(1, ((at[0] - x) * step[0] + (at[1] - y) * step[1]) / length));
      const point = [x + share * step[0], y + share * step[1]];
      const distance = Geometry.distance(point, at);
      if (distance < best.distance) best = { distance, segment: k, point };
    }
    return best;
  },

  inside(polygon, [x, y]) {
    let odd = false;
    for (let k = 0, before = polygon.length - 1; k < polygon.length; before = k, k += 1) {
      const [ax, ay] = polygon[k], [bx, by] = polygon[before];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    }
    return odd;
  },

  // Returns whether any part of a baseline lies in the rectangle between two corners.
  inBox(points, from, to) {
    const [left, right] = [Math.min(from[0], to[0]), Math.max(from[0], to[0])];
    const [top, bottom] = [Math.min(from[1], to[1]), Math.max(from[1], to[1])];
    return points.slice(1).some((end, k) => {
      let low = 0, high = 1; // the share of the segment that is inside (Liang and Barsky)
      for (const [start, step, least, most] of [
        [points[k][0], end[0] - points[k][0], left, right],
        [points[k][1], end[1] - points[k][1], top, bottom],
      ]) {
        if (!step) {
          if (start < least || start > most) return false;
          continue;
        }
        const [a, b] = [(least - start) / step, (most - start) / step];
        low = Math.max(low, Math.min(a, b));
        high = Math.min(high, Math.max(a, b));
      }
      return low <= high;
    });
  },

  // The following return new baselines; points stay on a page of the given size.
  onPage: ([x, y], page) => Geometry.rounded([Math.max(0, Math.min(page.width - 1, x)), Math.max(0, Math.min(page.height - 1, y))]),
  withPointAt: (points, index, to, page) => points.map((point, k) => (k === index ? Geometry.onPage(to, page) : point)),
  withNewPoint: (points, segment, point) => [...points.slice(0, segment + 1), Geometry.rounded(point), ...points.slice(segment + 1)],
  withoutPoint: (points, index) => points.filter((_, k) => k !== index),

  // Moves as one piece, and stops as one piece at the edge of the page.
  movedBy(points, [dx, dy], page) {
    const xs = points.map((point) => point[0]), ys = points.map((point) => point[1]);
    const x = Math.max(-Math.min(...xs), Math.min(page.width - 1 - Math.max(...xs), dx));
    const y = Math.max(-Math.min(...ys), Math.min(page.height - 1 - Math.max(...ys), dy));
    return points.map((point) => Geometry.rounded([point[0] + x, point[1] + y]));
  },

  // Returns what lies under a place: {line, point} for a point of a selected line, {line, segment,
  // at} for a baseline, {line} for the ink of a line; null for the bare page.
  hit(lines, at, reach_px, selected) {
    for (const line of lines) {
      if (!selected.has(line.id)) continue;
      const point = line.baseline.findIndex((one) => Geometry.distance(one, at) <= 1.3 * reach_px);
      if (point >= 0) return { line, point };
    }
    let best = null;
    for (const line of lines) {
      const near = Geometry.nearest(line.baseline, at);
      if (near.distance <= reach_px && (!best || near.distance < best.distance)) best = { line, ...near };
    }
    if (best) return { line: best.line, segment: best.segment, at: best.point };
    const line = lines.find((one) => one.polygon.length && Geometry.inside(one.polygon, at));
    return line ? { line } : null;
  },
};

// Which lines are selected, and which point of the only one.
class Selection {
  constructor() {
    this.ids = new Set();
    this.point = null;
  }

  set(ids, point = null) {
    this.ids = new Set(ids);
    this.point = this.ids.size === 1 ? point : null;
  }

  toggle(id) {
    this.point = null;
    if (!this.ids.delete(id)) this.ids.add(id);
  }

  // Forgets lines that are gone, and a point that is.
  keep(lines) {
    const here = new Map(lines.map((line) => [line.id, line]));
    this.ids = new Set([...this.ids].filter((id) => here.has(id)));
    const [only] = this.ids;
    if (this.ids.size !== 1 || this.point >= here.get(only).baseline.length) this.point = null;
  }
}
