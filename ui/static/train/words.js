// Words and figures of the Train place and its reports: shares as per cent, times, differences.

// Returns a share (0-1) as a person says it: "18 %", "9.2 %"; small ones keep a digit.
function percent(share) {
  if (share === null || share === undefined) return "?";
  return t.percent(share, Math.abs(share) < 0.0995 ? 1 : 0);
}

// Returns a sentence whose figures do not part from their signs at the end of a row.
const unbroken = (sentence) => sentence.replace(/(\d) %/g, "$1\u00a0%").replace(/p ([=<]) /g, "p\u00a0$1\u00a0");

function lasting(time_s) {
  if (time_s < 50) return t`${Math.max(5, 5 * Math.round(time_s / 5))} [second|seconds]`;
  if (time_s < 5400) return t`${Math.max(1, Math.round(time_s / 60))} [minute|minutes]`;
  return t`${t.number(time_s / 3600, 1)} hours`;
}

// Returns the words of `text`, each with whether `truth` has it in that order too, and where it
// has words that are missing here: a longest common subsequence.
function compareWords(text, truth) {
  const own = text.split(/\s+/).filter(Boolean);
  const right = truth.split(/\s+/).filter(Boolean);
  const common = Array.from({ length: own.length + 1 }, () => new Array(right.length + 1).fill(0));
  for (let i = own.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      common[i][j] = own[i] === right[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const words = [];
  let i = 0, j = 0, wrongHere = 0, missing = [];
  const settle = () => { // words of the truth beyond those that were misread here are missing
    const lost = missing.slice(wrongHere);
    if (lost.length) words.push({ word: lost.join(" "), kind: "missing" });
    wrongHere = 0;
    missing = [];
  };
  while (i < own.length || j < right.length) {
    if (i < own.length && j < right.length && own[i] === right[j]) {
      settle();
      words.push({ word: own[i], kind: "same" });
      i += 1;
      j += 1;
    } else if (j >= right.length || (i < own.length && common[i + 1][j] >= common[i][j + 1])) {
      words.push({ word: own[i], kind: "wrong" });
      wrongHere += 1;
      i += 1;
    } else {
      missing.push(right[j]);
      j += 1;
    }
  }
  settle();
  return words;
}

// Returns a machine's reading with its misread words underlined and its missing words marked.
function markedReading(text, truth) {
  const { h } = window.htr;
  const nodes = compareWords(text, truth).flatMap(({ word, kind }) => {
    if (kind === "same") return [word, " "];
    if (kind === "wrong") return [h("mark", { class: "misread", title: t`misread` }, word), " "];
    return [h("span", { class: "gap", role: "img", "aria-label": t`missing: ${word}`, title: t`missing: ${word}` }, "‸"), " "];
  });
  return h("span", { class: "reading", dir: "auto" }, nodes.length ? nodes : h("i", { class: "soft" }, t`(reads nothing)`));
}

// Returns a text whose middle one of three pieces is lit.
function litText([head, lit, tail]) {
  const { h } = window.htr;
  return [head, h("mark", { class: "lit-character" }, lit), tail];
}

// Returns the image of a line, or words where there is none.
function lineImage(source, alt = "") {
  const { h } = window.htr;
  if (!source) return h("span", { class: "soft small" }, t`no image of this line`);
  const image = h("img", { class: "line-image", src: source, alt, loading: "lazy" });
  image.addEventListener("error", () => image.replaceWith(h("span", { class: "soft small" }, t`the image of this line is gone`)));
  return image;
}
