// What became of a run: its sentence, and what a person can do about it.
const VERDICT_ICONS = { better: "check", "not proven": "scales", worse: "shut", failed: "warning", cancelled: "shut" };
const VERDICT_WORDS = {
  better: "better", "not proven": "not proven", worse: "not better", failed: "failed", cancelled: "stopped", running: "running",
};

// Returns the words for whether the model that a run has made is in use.
function useWords(run) {
  if (!run.has_model) return "";
  return run.in_use ? " It is in use from now on." : " It is not in use.";
}

// Returns the news of the last run. `acts`: {use(run), goBack(run), resume(run), dismiss(run)}.
function verdictCard(run, acts) {
  const { h, icon } = window.htr;
  const button = (words, act, first = false) => h("button", { type: "button", class: first ? "first" : null, onclick: () => act(run) }, words);
  const report = run.has_report ? h("a", { class: "button", href: `#/train/${run.id}` }, "What changed") : null;
  const back = run.has_base ? button("Go back", acts.goBack) : null;
  const again = run.can_resume ? button(run.has_checkpoint ? "Go on from the last checkpoint" : "Start it again", acts.resume, true) : null;
  const dismiss = button("Dismiss", acts.dismiss);
  const buttons = {
    failed: () => [again, dismiss],
    cancelled: () => [again, dismiss],
    better: () => [report, run.in_use ? back : run.has_model ? button("Use it", acts.use) : null],
    "not proven": () => [report, ...run.in_use ? [back] : [
      run.has_model ? button("Use it anyway", acts.use) : null, button("Keep the current one", acts.dismiss)]],
  }[run.verdict] || (() => [report]);
  const close = ["failed", "cancelled", "not proven"].includes(run.verdict) ? null
    : h("button", { type: "button", class: "quiet", "aria-label": "Close this message", onclick: () => acts.dismiss(run) }, "×");
  return h("section", { class: `verdict ${run.verdict.replace(" ", "-")}`, "data-run": run.id },
    icon(VERDICT_ICONS[run.verdict] || "check"),
    h("div", { class: "words" }, h("p", {}, run.sentence, useWords(run)),
      run.warnings.map((warning) => h("p", { class: "warning" }, warning)),
      h("div", { class: "buttons" }, ...buttons().filter(Boolean))), close);
}

// Returns the list of earlier runs, newest first.
function earlierRuns(runs) {
  const { h, icon, ago } = window.htr;
  if (!runs.length) return [];
  return [h("h2", {}, "Earlier runs"), h("ol", {}, runs.map((run) => {
    const rates = run.cer_before !== null && run.cer_after !== null ? `${percent(run.cer_before)} → ${percent(run.cer_after)}` : "";
    const content = [h("span", { class: "outcome" }, icon(VERDICT_ICONS[run.verdict] || "again"), VERDICT_WORDS[run.verdict] || run.verdict,
      run.in_use ? h("span", { class: "in-use" }, "in use") : null),
    h("span", { class: "rates" }, rates), h("span", { class: "soft small" }, ago(run.created))];
    return h("li", { "data-run": run.id, class: run.verdict.replace(" ", "-") },
      run.has_report ? h("a", { href: `#/train/${run.id}` }, content) : h("div", { title: run.sentence }, content));
  }))];
}
