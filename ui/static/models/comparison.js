// Two models compared on corrected lines of a document: the question, the work, the answer.

// `choices`: {models, documents, most}; `given`: model to start from; `acts`: {start(question)}
function comparisonForm(choices, given, acts) {
  const { h, icon } = window.htr;
  const { models, documents } = choices;
  const current = models.find((model) => model.current) || models[0];
  const other = models.find((model) => model.id === given && model !== current) || models.find((model) => model !== current);
  if (models.length < 2) return emptyComparison(t`There is only one model`, t`Teach the model on your corrections, or import another one; then the two can be compared here.`);
  if (!documents.length) return emptyComparison(t`No corrected lines yet`, t`Models are compared on lines whose text a person has corrected or confirmed. Correct some on the desk.`);
  const select = (label, name, options, chosen) => h("label", {}, h("span", {}, label),
    h("select", { name }, options.map(([value, words]) => h("option", { value, selected: value === chosen }, words))));
  const words = models.map((model) => [model.id, model.current ? t`${model.name} (in use)` : model.name]);
  const form = h("form", { class: "comparison-form" },
    select(t`Compare`, "first", words, current.id),
    select(t`with`, "second", words, other.id),
    select(t`on`, "document", documents.map((one) => [one.id, t`${one.title} (${one.lines} [corrected line|corrected lines])`]), documents[0].id),
    select(t`reading at most`, "lines", [20, 60, 200, choices.most].map((number) => [number, t`${number} [line|lines]`]), 60),
    h("button", { type: "submit", class: "first" }, icon("scales"), t`Compare`));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = (name) => Number(form.elements[name].value);
    acts.start({ first: number("first"), second: number("second"), document: number("document"), lines: number("lines") });
  });
  return form;
}

function emptyComparison(title, words) {
  const { h } = window.htr;
  return h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, words),
    h("div", { class: "buttons" }, h("a", { class: "button", href: "#/models" }, t`Back to the models`)));
}

// `acts`: {stop(comparison), again()}
function comparisonWork(comparison, acts) {
  const { h } = window.htr;
  const ended = { failed: "The comparison could not be made", cancelled: "The comparison was stopped" }[comparison.state];
  if (ended) {
    return h("div", { class: "empty" }, h("h2", {}, ended), h("p", {}, t.said(comparison.message)),
      h("div", { class: "buttons" }, h("button", { type: "button", onclick: acts.again }, t`Compare again`)));
  }
  const words = comparison.state === "waiting" ? t`waits for its turn` : t.said(comparison.phase);
  return h("div", { class: "empty work" }, h("h2", { class: "busy" }, words),
    h("progress", { max: 1, value: comparison.progress }),
    h("p", {}, comparison.message ? `${t.said(comparison.message)}. ` : "", t`You can leave; the work goes on, and pages are read meanwhile.`),
    h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => acts.stop(comparison) }, t`Stop`)));
}

function comparisonSentence(comparison) {
  const [first, second] = comparison.names;
  const [a, b] = comparison.cer;
  if (a === b) return t`Both misread as many characters.`;
  const [better, low, high] = a < b ? [first, a, b] : [second, b, a];
  const [name, share] = [better, t.percent((high - low) / high, 0)];
  const p = chance(comparison.p);
  return comparison.p < 0.05 ? t`${name} misreads ${share} fewer characters on these lines: surely better (${p}).` : t`${name} misreads ${share} fewer characters on these lines, but that may be chance (${p}).`;
}

// What makes the comparison unfair, if anything does.
function comparisonCaution(comparison) {
  const words = comparison.names.map((name, index) => (comparison.taught[index]
    ? t`${comparison.taught[index]} of these lines taught ${name}, which reads them better than anything new. ` : "")).join("");
  const left = comparison.left_out ? t`${comparison.left_out} [line that taught one of the two was|lines that taught one of the two were] left out. ` : "";
  return words + left;
}

function comparisonResult(comparison) {
  const { h } = window.htr;
  const figure = (index) => h("div", { class: `figure${comparison.cer[index] < comparison.cer[1 - index] ? " better" : ""}` },
    h("span", { class: "who", title: comparison.names[index] }, comparison.names[index]),
    h("strong", {}, percent(comparison.cer[index])), h("span", { class: "soft small" }, t`of characters misread`),
    h("span", { class: "soft small" }, t`${percent(comparison.wer[index])} of words`));
  const [first, second, alike] = comparison.better;
  const caution = comparisonCaution(comparison);
  const heading = (line) => (line.edits[0] === line.edits[1] ? t`${line.edits[0]} [mistake|mistakes] each`
    : t`${line.edits[0]} and ${line.edits[1]} [mistake|mistakes]`);
  return [
    h("div", { class: "figures" }, figure(0), figure(1),
      h("div", { class: "finding" }, h("p", {}, comparisonSentence(comparison)),
        h("p", { class: "soft" }, t`${comparison.compared} [line|lines] on ${comparison.pages} [page|pages] with ${comparison.characters} characters, against the text that people wrote: the first is nearer on ${first}, the second on ${second}, both alike on ${alike}.`),
        caution ? h("p", { class: "caution" }, caution) : null)),
    comparison.lines.length ? h("h2", {}, t`${comparison.lines.length} [line|lines] that they read differently`) : h("p", {}, t`They read every line alike.`),
    h("div", { class: "pairs" }, comparison.lines.map((line) => pairOfLines(line, comparison.names, ["mark", "mark"], heading(line)))),
  ];
}
