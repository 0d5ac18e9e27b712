// The Train place: before, while and after the model learns. What runs is known by the server
// alone, so that every tab, and one that was closed, shows the same.
const { call, message, say, place, preference, setPreference } = window.htr;
const POLL_MS = 1500;
const news = element.querySelector(".news");
const main = element.querySelector(".main");
const earlier = element.querySelector(".earlier");
let here = false; // this place is shown
let chosen = null; // ids of the documents to learn from; null: all
let survey = null;
let estimate = null; // null: being measured
let measured = null; // what the last estimate was asked for
let drawn = "";
let timer = null;

const guarded = (action) => (...given) => action(...given).catch(say);
const before = new Before({
  start: guarded(start), choose: guarded(choose), changePages: () => roles.open(survey), measure: guarded(measure),
});
const progress = new Progress(guarded(cancel));
const roles = new PageRoles(element.querySelector(".page-roles"), pin);
const languageRow = new LanguageRow((name, argument) => call(server[name], argument).catch(say));

async function start() {
  await call(server.start, { documents: chosen, ...before.choices });
  await refresh();
}

async function cancel(run) {
  await call(server.cancel, { run });
  await refresh();
}

async function choose(documents) {
  const box = document.activeElement?.closest(".document-list") ? document.activeElement.value : null;
  chosen = documents;
  await look(() => box && main.querySelector(`.document-list input[value="${CSS.escape(box)}"]`)?.focus());
}

async function pin(page, heldOut) {
  survey = await call(server.pin_page, { page, held_out: heldOut, documents: chosen });
  drawBefore();
  return survey;
}

const acts = {
  use: guarded(async (run) => {
    await call(server.use_model, { run: run.id });
    survey = null; // it is told of another model now
    await refresh();
    message(t`The new model is in use. Pages read from now on are read by it.`);
  }),
  goBack: guarded(async (run) => {
    await call(server.go_back, { run: run.id });
    survey = null;
    await refresh();
    message(t`The model from before is in use again.`);
  }),
  resume: guarded(async (run) => {
    await call(server.resume, { run: run.id });
    await refresh();
  }),
  dismiss: (run) => {
    setPreference("dismissedRun", run.id);
    news.replaceChildren();
  },
};

// ---- before ----------------------------------------------------------------------------------
// Shows what there is to learn from, as it is now; `onShown` is called before the time is known.
async function look(onShown = () => {}) {
  const asked = chosen;
  const answer = await call(server.survey, { documents: asked });
  if (asked !== chosen) return;
  survey = answer;
  estimate = null;
  drawBefore();
  onShown();
  if (survey.can_start) await measure();
}

// Asks how long it would take; the last question counts.
async function measure() {
  const asked = { documents: chosen, minutes: before.minutes };
  measured = asked;
  estimate = null;
  before.showEstimate(null);
  const answer = await call(server.estimate, asked);
  if (measured !== asked) return;
  estimate = answer;
  before.showEstimate(estimate);
}

function drawBefore() {
  if (progress.element.isConnected) return;
  main.replaceChildren(before.draw(survey, estimate), languageRow.element);
}

// ---- while and after -------------------------------------------------------------------------
async function refresh() {
  clearTimeout(timer);
  const state = await call(server.state);
  if (!here) return;
  showRuns(state);
  if (state.running) {
    if (!progress.element.isConnected) main.replaceChildren(progress.element);
    progress.show(state.running);
    again(POLL_MS);
  } else if (progress.element.isConnected || !survey) {
    progress.element.remove();
    languageRow.show(); // another model may be in use now
    await look();
  }
}

// A server that is away for a moment is asked again; the run goes on without it.
async function keepUp() {
  try {
    await refresh();
  } catch (error) {
    if (error instanceof window.htr.ServerError) say(error);
    else again(3 * POLL_MS);
  }
}

// Asks once more after a while, unless nobody looks then.
function again(wait_ms) {
  clearTimeout(timer);
  timer = setTimeout(() => document.hidden || keepUp(), wait_ms);
}

function showRuns(state) {
  const fresh = JSON.stringify([state.runs, Boolean(state.running)]);
  if (fresh === drawn) return; // focus and pointer stay where they are
  drawn = fresh;
  const [last] = state.runs;
  const told = last && !state.running && preference("dismissedRun") !== last.id;
  news.replaceChildren(...(told ? [verdictCard(last, acts)] : []));
  earlier.replaceChildren(...earlierRuns(state.runs));
}

document.addEventListener("visibilitychange", () => {
  if (!here || document.hidden) return;
  if (progress.element.isConnected) keepUp();
  else refresh().catch(say); // another tab may have begun a run
});

place("train", {
  enter() {
    here = true;
    survey = null; // corrections may have been made since
    document.title = t`Train · HTR Desk`;
    refresh().catch(say);
  },
  leave() {
    here = false;
    clearTimeout(timer);
  },
});
