// The models: the list, one of them, two compared. Addresses: #/models, #/models/3,
// #/models/compare, #/models/compare/7.
const { h, icon, call, message, say, place, choose, setDrop } = window.htr;
const body = element.querySelector(".body");
const uploads = element.querySelector(".uploads");
let at = null; // the address that is shown
let drawn = ""; // what it shows now
let timer = null;

const guarded = (action) => (...given) => action(...given).catch(say);

// ---- what can be done with a model -----------------------------------------------------------
async function use(model) {
  const { name, before } = await call(server.use_model, { model: model.id });
  await changedModel(name, before);
}

async function goBack() {
  const { name, before } = await call(server.go_back);
  await changedModel(name, before);
}

async function changedModel(name, before) {
  await refresh();
  message(t`“${name}” reads from now on. Pages keep the text that they have until they are read again.`, {
    action: before === null ? null : t`Undo`, stay_ms: 15000,
    onAction: guarded(async () => {
      await call(server.use_model, { model: before });
      await refresh();
    }),
  });
}

async function rename(model, name) {
  try {
    if (name && name !== model.name) await call(server.rename_model, { model: model.id, name });
  } finally {
    drawn = ""; // shows the name that it has, be it the old one
    await refresh();
  }
}

async function remove(model) {
  const { name, days } = await call(server.remove_model, { model: model.id });
  if (at.model) location.hash = "#/models";
  else await refresh();
  message(t`“${name}” was removed. What it read and what people wrote stays. Its weights (${megabytes(model.bytes)}) are deleted for good after ${days} days.`, {
    action: t`Undo`, stay_ms: 15000, onAction: guarded(() => restore(model)),
  });
}

async function restore(model) {
  await call(server.restore_model, { model: model.id });
  await refresh();
}

const acts = {
  use: guarded(use), goBack: guarded(goBack), rename: guarded(rename), remove: guarded(remove), restore: guarded(restore),
  compare: (model) => { location.hash = `#/models/compare/with/${model.id}`; },
};

// ---- import: one file after the other ----------------------------------------------------------
const addFiles = (files) => window.htr.upload("files/models", files, uploads, (answer) => {
  if (answer) message(t.said(answer.note));
  refresh().catch(say);
});
const chooseFiles = () => choose(addFiles, ".safetensors,.pth,.pt,.ckpt");

// ---- the list ----------------------------------------------------------------------------------
async function showShelf() {
  const answer = await call(server.shelf_of_models);
  if (at.model || at.comparing) return;
  const first = [...answer.models].sort((a, b) => Number(b.current) - Number(a.current));
  const editing = body.querySelector(".name input");
  draw(answer, () => [
    h("div", { class: "head" }, h("h1", { class: "grow" }, t`Models`),
      h("a", { class: "button", href: "#/models/compare" }, icon("scales"), t`Compare two`),
      h("button", { type: "button", class: "first", onclick: chooseFiles }, icon("upload"), t`Import`)),
    h("div", { class: "shelf" }, first.map((model) => modelRow(model, acts))),
    first.length === 1 ? h("p", { class: "soft hint" }, t`This is the model that came with the app. Teach it on your corrections, or import another: drop a file here.`) : null,
    recentComparisons(answer.comparisons), removedModels(answer.removed, acts),
  ], Boolean(editing));
  if (answer.models.some((model) => !model.checked)) again(400);
}

// Shows what `make` returns, unless nothing has changed: focus and pointer stay then.
function draw(answer, make, keep = false) {
  const fresh = JSON.stringify(answer);
  if (fresh === drawn || keep) return;
  const open = new Set([...body.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent));
  body.replaceChildren(...make().filter(Boolean));
  for (const summary of body.querySelectorAll("details > summary")) {
    if (open.has(summary.textContent)) summary.parentElement.open = true;
  }
  drawn = fresh;
}

// ---- one model ---------------------------------------------------------------------------------
async function showModel() {
  const asked = at.model;
  const { model } = await call(server.open_model, { model: asked });
  if (at.model !== asked) return;
  document.title = t`${model.name} · Models · HTR Desk`;
  draw(model, () => modelDetails(model, acts));
}

// ---- two models --------------------------------------------------------------------------------
const comparisonHead = (title) => [h("a", { class: "crumb", href: "#/models" }, t`‹ Models`),
  h("div", { class: "head" }, h("h1", { class: "grow" }, title), at.run === null ? null : h("a", { class: "button", href: "#/models/compare" }, t`Compare others`))];

async function showQuestion() {
  const choices = await call(server.comparison_choices);
  if (!at.comparing || at.run !== null) return;
  draw(choices, () => [...comparisonHead(t`Compare two models`),
    h("p", { class: "soft hint" }, t`Both read the same lines, and what they read is compared with what people wrote. Nothing on the pages changes.`),
    comparisonForm(choices, at.given, { start: guarded(startComparison) })]);
}

async function startComparison(question) {
  const { run } = await call(server.compare, question);
  location.hash = `#/models/compare/${run}`;
}

async function showComparison() {
  const asked = at.run;
  const comparison = await call(server.open_comparison, { run: asked });
  if (at.run !== asked) return;
  const head = () => [...comparisonHead(t.list(comparison.names)), comparison.document.id
    ? h("p", { class: "soft hint" }, t`on ${h("a", { class: "link", href: `#/document/${comparison.document.id}` }, comparison.document.title)}`) : null];
  const done = comparison.state === "done" && comparison.cer;
  draw(comparison, () => [...head(), ...(done ? comparisonResult(comparison)
    : [comparisonWork(comparison, { stop: guarded(stopComparison), again: () => { location.hash = "#/models/compare"; } })])]);
  if (["waiting", "running"].includes(comparison.state)) again(700);
}

async function stopComparison(comparison) {
  await call(server.stop_comparison, { run: comparison.run });
  await refresh();
}

// ---- the place ---------------------------------------------------------------------------------
function refresh() {
  clearTimeout(timer);
  if (at.model) return showModel();
  if (!at.comparing) return showShelf();
  return at.run === null ? showQuestion() : showComparison();
}

function again(wait_ms) {
  clearTimeout(timer);
  timer = setTimeout(() => refresh().catch(say), wait_ms);
}

place("models", {
  enter(address) {
    if (JSON.stringify(address) !== JSON.stringify(at)) {
      drawn = "";
      body.replaceChildren();
    }
    at = address;
    document.title = t`Models · HTR Desk`;
    setDrop(t`Drop model files to import them`, addFiles);
    refresh().catch(say);
  },
  leave() {
    clearTimeout(timer);
    setDrop("", null);
  },
});
