// Lines as two models read them: the image, both readings under it, the words that differ marked.
const WORDS_MISSING = "‸";

// Returns the pieces [words, differs] of a reading; `tag` says what a difference is: "del" (what
// was read before), "ins" (what is read now) or "mark" (what is not as a person wrote it).
function markedWords(pieces, tag) {
  const { h } = window.htr;
  const shown = pieces.map(([words, differs]) => {
    if (!differs) return h("span", {}, words);
    if (words) return h(tag, {}, words);
    return h(tag, { class: "missing", title: t`nothing was read here` }, WORDS_MISSING);
  });
  return shown.flatMap((piece, index) => (index ? [" ", piece] : [piece]));
}

// `line`: {id, page, crop, aspect, read: [pieces, pieces], text}; `labels`: of the two readings.
// Returns the line as an article; `heading` stands above it, beside the link to the desk.
function pairOfLines(line, labels, tags, heading) {
  const { h } = window.htr;
  const row = (label, kind, words) => h("div", { class: `version ${kind}` },
    h("span", { class: "who", title: label }, label), h("span", { class: "words", dir: "auto" }, words));
  return h("article", { class: "pair", "data-line": line.id },
    h("div", { class: "about" }, h("span", {}, heading),
      h("a", { class: "to-desk", href: `#/page/${line.page}/line/${line.id}` }, t`open on the desk`)),
    h("div", { class: "strip", style: `--aspect:${line.aspect}` },
      line.crop ? h("img", { src: line.crop, alt: "", loading: "lazy" })
        : h("span", { class: "no-crop" }, t`This line cannot be cut out of its page.`)),
    row(labels[0], "first", markedWords(line.read[0], tags[0])),
    row(labels[1], "second", markedWords(line.read[1], tags[1])),
    line.text === null ? null : row(t`a person wrote`, "person", line.text));
}

const percent = (rate) => (rate === null || rate === undefined ? "–" : t.percent(rate, rate < 0.0995 ? 1 : 0));

const chance = (p) => (p < 0.001 ? `p < ${t.number(0.001)}` : `p = ${t.number(Number(p.toPrecision(2)))}`);
