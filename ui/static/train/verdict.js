// What became of a run: its sentence, and what a person can do about it.
const VERDICT_ICONS = { better: "check", "not proven": "scales", worse: "shut", failed: "warning", cancelled: "shut" };
const VERDICT_WORDS = {
  better: t`better`, "not proven": t`not proven`, worse: t`not better`, failed: t`failed`, cancelled: t`stopped`, running: t`running`,
};

// Returns the words for whether the model that a run has made is in use.
function useWords(run) {
  if (!run.has_model) return "";
  return run.in_use ? t` It is in use from now on.` : t` It is not in use.`;
}

// Returns the buttons by which a person decides about the model of a run. `acts`: {use(run), goBack(run)}.
function decisions(run, acts) {
  const { h } = window.htr;
  const button = (words, act) => h("button", { type: "button", onclick: () => act(run) }, words);
  if (run.in_use) return run.has_base ? [button(t`Go back`, acts.goBack)] : [];
  if (!run.has_model || run.verdict === "worse") return [];
  return [button(run.verdict === "not proven" ? t`Use it anyway` : t`Use it`, acts.use)];
}

// Returns the news of the last run. `acts`: {use(run), goBack(run), resume(run), dismiss(run)}.
function verdictCard(run, acts) {
  const { h, icon } = window.htr;
  const button = (words, act, first) => h("button", { type: "button", class: first ? "first" : null, onclick: () => act(run) }, words);
  const broken = ["failed", "cancelled"].includes(run.verdict);
  const open = run.verdict === "not proven" && !run.in_use;
  const buttons = [
    run.has_report ? h("a", { class: "button", href: `#/train/${run.id}` }, t`What changed`) : null,
    broken && run.can_resume ? button(run.has_checkpoint ? t`Go on from the last checkpoint` : t`Start it again`, acts.resume, true) : null,
    broken ? button(t`Dismiss`, acts.dismiss) : null,
    ...decisions(run, acts),
    open ? button(t`Keep the current one`, acts.dismiss) : null,
  ];
  const close = broken || open ? null
    : h("button", { type: "button", class: "quiet", "aria-label": t`Close this message`, onclick: () => acts.dismiss(run) }, "×");
  return h("section", { class: `verdict ${run.verdict.replace(" ", "-")}`, "data-run": run.id },
    icon(VERDICT_ICONS[run.verdict] || "check"),
    h("div", { class: "words" }, h("p", {}, unbroken(t.said(run.sentence)), useWords(run)),
      run.warnings.map((warning) => h("p", { class: "warning" }, t.said(warning))),
      h("div", { class: "buttons" }, buttons)), close);
}

// Returns the list of earlier runs, newest first.
function earlierRuns(runs) {
  const { h, icon, ago } = window.htr;
  if (!runs.length) return [];
  return [h("h2", {}, t`Earlier runs`), h("ol", {}, runs.map((run) => {
    const rates = run.cer_before !== null && run.cer_after !== null ? `${percent(run.cer_before)} → ${percent(run.cer_after)}` : "";
    const content = [h("span", { class: "outcome" }, icon(VERDICT_ICONS[run.verdict] || "again"), VERDICT_WORDS[run.verdict] || run.verdict,
      run.in_use ? h("span", { class: "in-use" }, t`in use`) : null),
    h("span", { class: "rates" }, rates), h("span", { class: "soft small" }, ago(run.created))];
    return h("li", { "data-run": run.id, class: run.verdict.replace(" ", "-") },
      run.has_report ? h("a", { href: `#/train/${run.id}` }, content) : h("div", { title: t.said(run.sentence) }, content));
  }))];
}
