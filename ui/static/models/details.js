// One model with all that is known of it.

function factRows(pairs) {
  const { h } = window.htr;
  return h("dl", { class: "rows" }, pairs.filter(([, value]) => value !== null && value !== "").map(([name, value]) => (
    h("div", {}, h("dt", {}, t.said(name)), h("dd", {}, t.said(value))))));
}

function lineageOf(model) {
  const { h } = window.htr;
  const link = (one) => (one.removed ? h("span", { class: "soft" }, t`${one.name} (removed)`) : h("a", { href: `#/models/${one.id}` }, one.name));
  const chain = [...model.lineage].reverse().flatMap((one) => [link(one), " › "]);
  return h("span", { class: "chain" }, chain, h("strong", {}, model.name),
    model.children.length ? [h("br"), h("span", { class: "soft" }, t`made from it: `),
      model.children.flatMap((one, index) => [index ? ", " : "", link(one)])] : null);
}

function alphabetOf(model) {
  const { h } = window.htr;
  const learned = new Set(model.learned_characters);
  const shown = (character) => h("span", { class: learned.has(character) ? "character learned" : "character", title: codePoints(character) },
    character === " " ? "␣" : /^\p{M}/u.test(character) ? `◌${character}` : character);
  return h("details", {}, h("summary", {}, t`${model.alphabet.length} [character|characters]`,
    learned.size ? t`, ${learned.size} of them learned: ${model.learned_characters.slice(0, 20).join(" ")}` : ""),
  h("p", { class: "alphabet" }, model.alphabet.map(shown)));
}

const codePoints = (text) => [...text].map((character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`).join(" ");

function documentsOf(model) {
  const { h } = window.htr;
  if (!model.read.length) return t`no page yet`;
  return h("ul", { class: "plain" }, model.read.slice(0, 50).map((read) => h("li", {},
    h("a", { href: `#/document/${read.id}` }, read.title), h("span", { class: "soft small" },
      t` ${read.pages} [page|pages], ${read.lines} [line|lines]`))));
}

function dataOf(model) {
  const { h } = window.htr;
  const parts = [learnedFrom(model) || t`unknown data`];
  if (model.from_documents) parts.push(t` of ${model.from_documents} [document|documents]`);
  if (model.test_lines !== null) parts.push(t`; tested on ${model.test_lines} [line|lines] that it never learned from`);
  return h("span", {}, parts,
    model.report ? [". ", h("a", { href: `#/train/${model.report}` }, t`What changed by it`)] : null,
    model.snapshot ? h("span", { class: "soft small" }, h("br"), t`snapshot ${model.snapshot.slice(0, 12)}`) : null);
}

function moreFacts(words, pairs) {
  const { h } = window.htr;
  return pairs.length ? h("details", { class: "block" }, h("summary", {}, words), factRows(pairs)) : null;
}

// `acts`: as in shelf.js, and compare(model)
function modelDetails(model, acts) {
  const { h, icon } = window.htr;
  const parent = model.lineage[0];
  const title = h("input", { type: "text", class: "title", value: model.name, "aria-label": t`Name of the model`, maxlength: 300 });
  title.addEventListener("change", () => acts.rename(model, title.value.trim()));
  title.addEventListener("keydown", (event) => event.key === "Enter" && title.blur());
  const sound = model.trouble ? "" : t`compared with what was stored: unchanged`;
  return [
    h("a", { class: "crumb", href: "#/models" }, t`‹ Models`),
    h("div", { class: "head" }, h("div", { class: "grow" }, title), badge(model),
      model.current && parent ? h("button", { type: "button", class: "go-back", onclick: () => acts.goBack() }, icon("back"), t`Go back to ${parent.name}`) : null,
      model.current || model.removed ? null : h("button", { type: "button", class: "first use", disabled: Boolean(model.trouble), onclick: () => acts.use(model) }, t`Use from now on`),
      model.removed ? h("button", { type: "button", onclick: () => acts.restore(model) }, t`Bring back`) : null,
      h("button", { type: "button", onclick: () => acts.compare(model) }, icon("scales"), t`Compare`),
      model.trouble ? null : h("a", { class: "button", href: `files/models/${model.id}.safetensors`, download: true }, icon("download"), t`Export`),
      model.current || model.removed ? null : h("button", { type: "button", class: "quiet", onclick: () => acts.remove(model) }, icon("bin"), t`Remove`)),
    troubleNote(model),
    factRows([
      [t`Misreads`, model.cer === null ? t`not measured` : misreads(model)],
      [t`Learned from`, dataOf(model)],
      [t`Lineage`, lineageOf(model)],
      [t`Has read`, documentsOf(model)],
      [t`Can write`, alphabetOf(model)],
      [t`Weights`, `${megabytes(model.bytes)}${sound ? `, ${sound}` : ""}`],
      [t`Made`, `${t.time(model.created)}${model.imported ? t` (imported)` : ""}`],
    ]),
    h("div", { class: "block more" }, moreFacts(t`All scores (${model.scores.length} [figure|figures])`, model.scores),
      moreFacts(t`All facts`, [...model.facts, [t`SHA-256 of the weights`, model.sha256]])),
  ];
}
