// What changed: the report of one run, figures first, then the lines themselves.
const { h, icon, call, say, place } = window.htr;
const body = element.querySelector(".body");
const download = element.querySelector(".download");
const LINES_AT_FIRST = 6; // changed lines shown at once; the rest is one click away
const CONFUSIONS_AT_FIRST = 10;
let shown = null; // number of the run whose report is drawn

// Returns two values with their 95 % intervals on one scale, before above after.
function intervals(score) {
  const most = Math.max(score.before_interval[1], score.after_interval[1], score.before, score.after, 0.01);
  const row = (name, words, value, [low, high]) => h("div", { class: `interval ${name}` },
    h("span", { class: "name" }, words), h("span", { class: "scale", "aria-hidden": "true" },
      h("span", { class: "span", style: `left:${(100 * low) / most}%;width:${(100 * (high - low)) / most}%` }),
      h("span", { class: "value", style: `left:${(100 * value) / most}%` })),
    h("b", {}, percent(value)), h("span", { class: "soft small" }, t`${percent(low)} to ${percent(high)}`));
  return h("section", { class: "rate-card" }, h("h3", {}, t.said(score.words), h("span", { class: "soft small" }, t` ${score.name}, with 95 % intervals`)),
    row("before", t`before`, score.before, score.before_interval), row("after", t`after`, score.after, score.after_interval));
}

// Returns a misread piece of text so that it can be seen: a space has a sign, nothing has a word.
function piece(text) {
  if (!text) return h("i", { class: "soft" }, t`nothing`);
  return text.trim() ? h("span", { class: "letter" }, text) : h("i", { class: "soft" }, text.length > 1 ? t`spaces` : t`a space`);
}

function confusionTable(rows) {
  return h("table", { class: "confusions" },
    h("thead", {}, h("tr", {}, [t`right`, t`read as`, t`before`, t`after`, t`for example`].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("td", {}, piece(row.truth)), h("td", {}, piece(row.reading)),
      h("td", { class: "number" }, row.before ?? "?"), h("td", { class: "number" }, row.after ?? "?"),
      h("td", {}, h("div", { class: "pictures" }, row.examples.map((image) => lineImage(image))))))));
}

function confusions(rows) {
  if (!rows.length) return null;
  const rest = rows.slice(CONFUSIONS_AT_FIRST);
  return h("section", { class: "block" }, h("h2", {}, t`What is misread most`), confusionTable(rows.slice(0, CONFUSIONS_AT_FIRST)),
    rest.length ? h("details", {}, h("summary", {}, t`${rest.length} more`), confusionTable(rest)) : null);
}

function changedLine(line) {
  const reading = (name, text, edits) => [h("dt", {}, name), h("dd", {}, markedReading(text, line.truth),
    edits === null ? null : h("span", { class: "soft small errors" }, edits ? t`${edits} [error|errors]` : t`right`))];
  return h("article", { class: "changed" }, lineImage(line.image),
    h("dl", { class: "texts" }, h("dt", {}, t`right`), h("dd", {}, h("span", { class: "reading", dir: "auto" }, line.truth)),
      reading(t`before`, line.before, line.edits_before), reading(t`after`, line.after, line.edits_after)));
}

function changedLines(title, number, lines, none) {
  const rest = lines.slice(LINES_AT_FIRST);
  return h("section", { class: "block" }, h("h2", {}, `${title}: ${number}`),
    lines.length ? lines.slice(0, LINES_AT_FIRST).map(changedLine) : h("p", { class: "soft" }, none),
    rest.length ? h("details", {}, h("summary", {}, t`${rest.length} [more line|more lines]`), rest.map(changedLine)) : null);
}

function facts(rows, settings) {
  const list = (pairs) => h("dl", { class: "rows" }, pairs.map(([name, value]) => h("div", {}, h("dt", {}, t.said(name)), h("dd", {}, t.said(value)))));
  return h("section", { class: "block" }, h("h2", {}, t`How it was made`), list(rows),
    settings.length ? h("details", {}, h("summary", {}, t`All settings`), list(settings)) : null);
}

function draw(report) {
  const plot = new Plot();
  body.replaceChildren(...[
    h("div", { class: `outcome ${report.verdict.replace(" ", "-")}` }, icon(VERDICT_ICONS[report.verdict] || "check"),
      h("div", {}, h("p", {}, unbroken(t.said(report.sentence)), useWords(report)), h("div", { class: "buttons" }, decisions(report, acts)))),
    ...report.warnings.map((warning) => h("p", { class: "warning" }, t.said(warning))),
    h("div", { class: "rate-pair" }, report.scores.map(intervals)),
    report.notes.length ? h("ul", { class: "notes" }, report.notes.map((note) => h("li", {}, unbroken(t.said(note))))) : null,
    h("p", { class: "soft small legend" }, t`${h("mark", { class: "misread" }, t`underlined`)} words are misread; ${h("span", { class: "gap" }, "‸")} marks a place where words are missing.`),
    h("div", { class: "side-by-side" },
      changedLines(t`Lines that got better`, report.better_count, report.better, t`None of the test lines.`),
      changedLines(t`Lines that got worse`, report.worse_count, report.worse, t`None of the test lines.`)),
    report.same_count ? h("p", { class: "soft" }, t`${report.same_count} [test line is|test lines are] read as well as before.`) : null,
    confusions(report.confusions),
    report.curve.length ? h("section", { class: "block" }, h("h2", {}, t`The curve`), plot.element) : null,
    facts(report.facts, report.settings),
  ].filter(Boolean));
  plot.show(report.curve, report.steps, report.scores.length ? report.scores[0].before : null, true);
  download.replaceChildren(icon("download"), t`Download as one file`);
  download.href = report.download;
  download.hidden = false;
}

// Decides about the model, then shows how things stand.
const decide = (decision) => (run) => call(server[decision], { run: run.id }).then(() => open(run.id)).catch(say);
const acts = { use: decide("use_model"), goBack: decide("go_back") };

async function open(run) {
  if (shown !== run) {
    body.replaceChildren();
    download.hidden = true;
  }
  shown = run;
  const report = await call(server.open_report, { run });
  if (shown === run) draw(report);
}

place("report", {
  enter(at) {
    document.title = t`What changed · HTR Desk`;
    open(at.run).catch((error) => {
      body.replaceChildren(h("div", { class: "empty" }, h("h2", {}, t`There is no report to show`),
        h("p", {}, error instanceof window.htr.ServerError ? error.message : t`The server cannot be reached. Check that it runs, then reload this page.`),
        h("a", { class: "button", href: "#/train" }, t`Back to Train`)));
      if (!(error instanceof window.htr.ServerError)) say(error);
    });
  },
});
