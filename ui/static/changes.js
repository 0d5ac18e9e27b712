// What changed: lines that one model reads otherwise than the one before.
const { h, call, say, place } = window.htr;
const body = element.querySelector(".body");
let at = null;

function heading(answer) {
  const back = answer.page ? [`#/page/${answer.page}`, t`‹ Back to the page`] : [`#/document/${answer.document.id}`, `‹ ${answer.document.title}`];
  return [h("a", { class: "crumb", href: back[0] }, back[1]),
    h("div", { class: "head" }, h("h1", { class: "grow" }, t`What changed`))];
}

function nothing(answer) {
  return h("div", { class: "empty" }, h("h2", {}, t`Nothing to compare yet`),
    h("p", {}, t`Only one model has read these lines. After another one has read them, this place shows where the two differ.`),
    h("div", { class: "buttons" }, h("a", { class: "button", href: answer.page ? `#/page/${answer.page}` : `#/document/${answer.document.id}` }, t`Go back`)));
}

function summary(answer) {
  const taught = answer.taught ? t` ${answer.taught} [other|others] taught the model, so that reading them right tells nothing.` : "";
  const rate = answer.cer && h("p", {}, t`On ${answer.decided} [line|lines] whose text people decided, ${percent(answer.cer[1])} of the characters are misread now; before it was ${percent(answer.cer[0])}.${taught}`);
  return h("div", { class: "changes-told" },
    h("p", { class: "told" }, t`${h("strong", {}, t`${answer.differ} of ${answer.compared} [line|lines]`)} are read otherwise by ${t.list(answer.now)} than by ${t.list(answer.before)}. What people wrote is as it was.`), rate);
}

const pairs = (answer) => answer.lines.map((line) => pairOfLines(line, line.names, ["del", "ins"],
  answer.page ? t`line ${line.place[1]}` : t`page ${line.place[0]}, line ${line.place[1]}`));

async function open(first = 1) {
  const asked = at;
  const answer = await call(server.open_changes, { page: asked.page, document: asked.document, first });
  if (asked !== at) return;
  document.title = t`What changed · ${answer.document.title} · HTR Desk`;
  const more = answer.first + answer.lines.length < answer.differ ? h("button", { type: "button", class: "more", onclick: (event) => {
    event.currentTarget.remove();
    open(answer.first + answer.lines.length + 1).catch(say);
  } }, t`Show more`) : null;
  if (answer.first) body.querySelector(".pairs").append(...pairs(answer));
  else if (!answer.compared) body.replaceChildren(...heading(answer), nothing(answer));
  else body.replaceChildren(...heading(answer), summary(answer), h("div", { class: "pairs" }, pairs(answer)));
  if (more) body.append(more);
}

place("changes", {
  enter(address) {
    body.replaceChildren();
    at = address;
    if (at.page === null && at.document === null) location.hash = "#/";
    else open().catch(say);
  },
});
