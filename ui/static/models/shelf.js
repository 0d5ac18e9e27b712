// The list of models: one row each, the one in use first; removed ones at the end.

function megabytes(bytes) {
  if (bytes === null) return t`missing`;
  const digits = bytes < 1e5 ? 3 : bytes < 1e8 ? 1 : 0;
  return `${t.number(Number((bytes / 1e6).toFixed(digits)))} MB`;
}

// Returns what the gate found, in words.
function proof(model) {
  if (model.before === null) return "";
  const p = model.p === null ? "" : `, ${chance(model.p)}`;
  return { better: t`surely better${p}`, "not proven": t`not proven${p}`, worse: t`worse${p}` }[model.verdict] || "";
}

function misreads(model) {
  const { h } = window.htr;
  if (model.cer === null) return h("div", { class: "cell scores soft" }, t`not measured`);
  const found = proof(model);
  return h("div", { class: "cell scores" },
    h("span", {}, h("strong", {}, percent(model.cer)), model.before === null ? null : t` was ${percent(model.before)}`),
    h("span", { class: "soft small" }, model.on === "as published" ? t`misread, as published` : t`misread on ${t.said(model.on)}`, found ? `; ${found}` : ""),
    model.forgetting === null ? null : h("span", { class: `small ${model.warn ? "worse" : "soft"}` },
      [model.warn ? "⚠ " : "", t`other handwriting: ${`${model.forgetting >= 0.0005 ? "+" : ""}${t.number(100 * model.forgetting, 1)}`} points`]));
}

function learnedFrom(model) {
  const parts = [];
  if (model.lines !== null) parts.push(t`${model.lines} [line|lines]`);
  if (model.from_pages !== null) parts.push(t`${model.from_pages} [page|pages]`);
  return parts.join(t` on `) || model.data || (model.imported ? "imported" : "");
}

function badge(model) {
  const { h, icon } = window.htr;
  return model.current ? h("span", { class: "badge" }, icon("check"), t`in use`) : null;
}

// What is wrong with a model's weights, and what to do.
function troubleNote(model) {
  const { h } = window.htr;
  if (!model.trouble) return null;
  const more = model.current ? t` It is the model in use: pages cannot be read until another one is used.` : "";
  return h("p", { class: "trouble", role: "alert" }, t.said(model.trouble), more);
}

// `acts`: {use(model), goBack(), rename(model, name), remove(model), restore(model)}
function modelRow(model, acts) {
  const { h, icon, ago } = window.htr;
  return h("article", { class: `model${model.current ? " current" : ""}`, "data-model": model.id },
    h("div", { class: "cell about" },
      nameWithPen(model, acts),
      h("span", { class: "soft small" },
        model.parent ? [t`from ${h("span", { class: "parent" }, model.parent.name)}`, " · "] : null,
        model.imported ? t`imported ` : null, ago(model.created))),
    misreads(model),
    h("div", { class: "cell" }, h("span", { class: "clamp", title: learnedFrom(model) }, learnedFrom(model) || h("span", { class: "soft" }, t`unknown data`)),
      h("span", { class: "soft small" }, t`${model.characters} [character|characters], ${megabytes(model.bytes)}`)),
    h("div", { class: "cell" }, model.pages ? t`has read ${model.pages} [page|pages]` : h("span", { class: "soft" }, t`has read nothing yet`),
      model.documents ? h("span", { class: "soft small" }, t`in ${model.documents} [document|documents]`) : null),
    h("div", { class: "acts" },
      model.current ? model.parent && h("button", {
        type: "button", class: "go-back", title: t`Use ${model.parent.name} again, which it was made from`, onclick: () => acts.goBack(),
      }, icon("back"), t`Go back`) : h("button", {
        type: "button", class: "use", disabled: Boolean(model.trouble), onclick: () => acts.use(model),
      }, t`Use from now on`),
      model.trouble ? null : h("a", {
        class: "button quiet", href: `files/models/${model.id}.safetensors`, download: true, title: t`Export as a file`,
        "aria-label": t`Export ${model.name}`,
      }, icon("download")),
      h("button", {
        type: "button", class: "quiet", disabled: model.current, "aria-label": t`Remove ${model.name}`,
        title: model.current ? t`The model in use cannot be removed` : t`Remove`, onclick: () => acts.remove(model),
      }, icon("bin"))),
    troubleNote(model));
}

// The name as a link; the pen turns it into a field. Enter or leaving it saves, Esc does not.
function nameWithPen(model, acts) {
  const { h, icon } = window.htr;
  const holder = h("span", { class: "name" });
  const show = (name) => holder.replaceChildren(
    h("a", { href: `#/models/${model.id}`, title: name }, name), badge(model) || "",
    h("button", { type: "button", class: "quiet pen", "aria-label": t`Rename ${name}`, title: t`Rename`, onclick: edit }, icon("pen")));
  function edit() {
    const field = h("input", { type: "text", value: model.name, maxlength: 300, "aria-label": t`Name of the model` });
    let done = false;
    const end = (save) => {
      if (done) return;
      done = true;
      const name = field.value.trim();
      show(model.name);
      if (save && name && name !== model.name) acts.rename(model, name);
      holder.querySelector(".pen").focus();
    };
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault(); // else it would press the pen, which gets the focus
        end(true);
      }
      if (event.key === "Escape") end(false);
    });
    field.addEventListener("blur", () => end(true));
    holder.replaceChildren(field);
    field.select();
    field.focus();
  }
  show(model.name);
  return holder;
}

function removedModels(removed, acts) {
  const { h, ago } = window.htr;
  if (!removed.length) return null;
  return h("details", { class: "removed" }, h("summary", {}, t`${removed.length} [removed model|removed models]`),
    h("ul", {}, removed.map((model) => h("li", {}, h("span", {}, model.name),
      h("span", { class: "soft small" }, t`removed ${ago(model.removed)}`),
      h("button", { type: "button", onclick: () => acts.restore(model) }, t`Bring back`)))));
}

function recentComparisons(comparisons) {
  const { h, ago } = window.htr;
  if (!comparisons.length) return null;
  return h("div", { class: "block recent" }, h("h2", {}, t`Comparisons`),
    h("ul", {}, comparisons.map((one) => h("li", {},
      h("a", { href: `#/models/compare/${one.run}` }, t.list(one.names)),
      h("span", { class: "soft small" }, one.state === "done" ? ago(one.created) : t.said(one.state))))));
}
