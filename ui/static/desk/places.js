// Where the words of a text belong under the image of their line: pure functions over the machine's
// characters [text, confidence, start, end], whose spans are shares (0-1) of the image's width.
const MOST_ALIGNED = 250_000; // cells of the table; longer texts are compared at their ends only
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const TIGHTEST_EM = -0.05; // letters may move so much closer, or apart, to meet their ink
const WIDEST_EM = 0.25;

// Returns for each character of `text` the index of the machine's character it stems from, or -1.
function alignment(text, reading) {
  const own = [...text];
  const read = reading.map((character) => character[0]);
  const most = Math.min(own.length, read.length);
  let head = 0, tail = 0;
  while (head < most && own[head] === read[head]) head += 1;
  while (tail < most - head && own[own.length - 1 - tail] === read[read.length - 1 - tail]) tail += 1;
  const inner = sameInOrder(own.slice(head, own.length - tail), read.slice(head, read.length - tail));
  return own.map((_, index) => {
    if (index < head) return index;
    if (index >= own.length - tail) return read.length - (own.length - index);
    const found = inner[index - head];
    return found < 0 ? -1 : found + head;
  });
}

// Returns for each item of `own` its partner in a longest common subsequence with `read`, or -1.
function sameInOrder(own, read) {
  const partner = new Array(own.length).fill(-1);
  const width = read.length + 1;
  if (!own.length || !read.length || own.length * width > MOST_ALIGNED) return partner;
  const common = new Uint16Array((own.length + 1) * width);
  for (let a = own.length - 1; a >= 0; a -= 1) {
    for (let b = read.length - 1; b >= 0; b -= 1) {
      common[a * width + b] = own[a] === read[b] ? common[(a + 1) * width + b + 1] + 1
        : Math.max(common[(a + 1) * width + b], common[a * width + b + 1]);
    }
  }
  for (let a = 0, b = 0; a < own.length && b < read.length;) {
    if (own[a] === read[b]) partner[a++] = b++;
    else if (common[(a + 1) * width + b] >= common[a * width + b + 1]) a += 1;
    else b += 1;
  }
  return partner;
}

// Returns [start, end] for each character of the text: its own place, or a share of the gap that
// its neighbours leave.
function placesOf(from, reading) {
  const places = from.map((index) => (index < 0 ? null : [reading[index][2], reading[index][3]]));
  for (let at = 0; at < places.length;) {
    if (places[at]) {
      at += 1;
      continue;
    }
    let end = at;
    while (end < places.length && !places[end]) end += 1;
    const before = at ? places[at - 1] : null;
    const after = end < places.length ? places[end] : null;
    let low = before ? before[1] : 0, high = after ? after[0] : 1;
    if (high - low < 0.002) { // written into a gap that the machine did not see
      low = before ? (before[0] + before[1]) / 2 : 0;
      high = after ? (after[0] + after[1]) / 2 : 1;
    }
    const step = Math.max(0, high - low) / (end - at);
    for (let k = at; k < end; k += 1) places[k] = [low + (k - at) * step, low + (k - at + 1) * step];
    at = end;
  }
  return places;
}

// Returns how to set the text under ink that is `width` wide: {lead, words: [{text, spacing}],
// gaps: [px]}, or null where it cannot be set on one line that ends before `most`.
// `measure(word)` says how wide a word is by itself; `em` is the size of the letters.
function setUnderInk(text, places, { width, most, measure, em }) {
  if (RIGHT_TO_LEFT.test(text) || !places.length) return null;
  const space = measure(" ");
  const words = [], gaps = [];
  let reached = 0, lead = 0, at = 0;
  for (const part of text.split(/( +)/)) {
    const letters = [...part].length;
    if (part.trim()) {
      const start = places[at][0] * width, end = places[at + letters - 1][1] * width;
      const natural = measure(part);
      const least = words.length ? reached + 0.7 * space * Math.max(1, gaps.at(-1)?.letters || 0) : 0;
      const begin = Math.max(start, least);
      const wanted = (end - begin - natural) / letters;
      const spacing = Math.max(TIGHTEST_EM * em, Math.min(WIDEST_EM * em, wanted));
      if (words.length) gaps[gaps.length - 1].px = begin - reached;
      else lead = begin;
      words.push({ text: part, spacing });
      reached = begin + natural + letters * spacing;
    } else if (part) {
      if (words.length) gaps.push({ letters, px: letters * space });
      else lead += letters * space;
    }
    at += letters;
  }
  const first = text.match(/^ +/)?.[0] || "";
  if (!words.length || reached > most) return null;
  return { lead: first ? 0 : lead, first, words, gaps };
}
