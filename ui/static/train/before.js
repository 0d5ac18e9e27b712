// What is ready to learn from, as a ledger: one statement a row, its figures or choices beside it.
const TCM_CHOICES = [[null, t`as the recipe has it`], [true, t`yes`], [false, t`no`]];
const SHOWN_AT_FIRST = 4; // doubtful lines; the rest is one click away

class Before {
  // `acts`: {start(), choose(document ids or null), changePages(), measure()}
  constructor(acts) {
    this.acts = acts;
    this.minutes = null;
    this.tcm = null;
    this.selfTraining = false; // learn from readings of lines that nobody corrected
    this.leaveOut = false;
    this.openParts = new Set(); // what a person has unfolded stays so when the ledger is drawn again
  }

  draw(survey, estimate) {
    const { h } = window.htr;
    this.survey = survey;
    if (!survey.documents.length) return this.nothing();
    return h("div", { class: "ledger" },
      this.amount(), survey.lines ? this.split() : null, this.unknown(), this.suspicious(),
      h("div", { class: "go" }, this.time(estimate), this.details(), this.button()));
  }

  nothing() {
    const { h, icon } = window.htr;
    return h("div", { class: "empty" },
      h("h2", {}, t`Nothing to learn from yet`),
      h("p", {}, t`The model learns a hand from lines that you have corrected or confirmed. From ${this.survey.worth_from} [line|lines] on a run is worth its time; thirty or more teach it a hand well. They may be spread over several pages: then some can test what the others taught.`),
      h("div", { class: "buttons" }, h("a", { class: "button first", href: "#/" }, icon("library"), t`To the library`)));
  }

  row(name, statement, beside, more) {
    const { h } = window.htr;
    return h("section", { class: `entry ${name}` },
      h("div", { class: "statement" }, statement), h("div", { class: "beside" }, beside), more ? h("div", { class: "more" }, more) : null);
  }

  // Returns a part that folds away; it stays as a person left it.
  fold(name, words, content) {
    const { h } = window.htr;
    const part = h("details", { class: name, open: this.openParts.has(name) }, h("summary", {}, words), content);
    part.addEventListener("toggle", () => (part.open ? this.openParts.add(name) : this.openParts.delete(name)));
    return part;
  }

  amount() {
    const { h } = window.htr;
    const { survey } = this;
    const { model } = survey;
    const rate = model.cer !== null ? h("b", {}, percent(model.cer)) : null;
    const told = survey.test.lines ? t`It misreads ${rate} of the test lines’ characters.` : t`It misreads ${rate} of the characters.`;
    return this.row("amount", [
      h("p", {}, t`You have corrected ${h("b", {}, t`${survey.lines} [line|lines]`)} on ${h("b", {}, t`${survey.pages} [page|pages]`)}.`),
      survey.advice.map((advice) => h("p", { class: "advice" }, t.said(advice))),
    ], [
      h("p", { class: "soft small" }, t`Current model`), h("p", {}, h("b", {}, model.name)),
      h("p", { class: "soft small" }, model.cer !== null ? told
        : survey.test.lines ? t`How it reads the test lines is measured first.` : ""),
    ], this.documents());
  }

  documents() {
    const { h } = window.htr;
    const { documents } = this.survey;
    if (documents.length < 2) return null;
    const chosen = documents.filter((document) => document.chosen);
    const boxes = documents.map((document) => {
      const box = h("input", { type: "checkbox", checked: document.chosen, value: document.id });
      box.addEventListener("change", () => {
        const ids = [...list.querySelectorAll("input:checked")].map((checked) => Number(checked.value));
        this.acts.choose(ids.length === documents.length ? null : ids);
      });
      return h("label", {}, box, h("span", {}, document.title), h("span", { class: "soft small" }, t`${document.lines} [line|lines]`));
    });
    const list = h("div", { class: "document-list" }, boxes);
    const words = chosen.length === documents.length ? t`from all ${documents.length} documents`
      : t`from ${chosen.length} of ${documents.length} documents`;
    return this.fold("documents", words, list);
  }

  split() {
    const { h } = window.htr;
    return this.row("split", h("p", {}, t.said(this.survey.explanation)),
      h("button", { type: "button", onclick: this.acts.changePages }, t`Change`));
  }

  unknown() {
    const { h } = window.htr;
    const { unknown } = this.survey;
    if (!unknown.length) return null;
    const listed = unknown.slice(0, 12).flatMap((one, index) => [index ? ", " : "",
      h("b", { class: "letter" }, one.shown), h("span", { class: "soft" }, ` (${index ? t.number(one.count) : t`${one.count} [time|times]`})`)]);
    return this.row("unknown", [h("p", {}, unknown.length > 12 ? t`Not yet known: ${listed}, and ${unknown.length - 12} more.` : t`Not yet known: ${listed}.`),
      h("p", { class: "soft small" }, unknown.length === 1 ? t`The model will learn it.` : t`The model will learn them.`)],
    null, this.fold("examples", t`Where they stand`, h("dl", { class: "characters" }, unknown.map((one) => [
      h("dt", {}, h("span", { class: "letter" }, one.shown), h("span", { class: "soft small" }, t`${one.count} [time|times]`)),
      h("dd", {}, h("p", { class: "soft small" }, t.said(one.words)), one.examples.map((example) => h("a",
        { class: "example", href: `#/page/${example.page}/line/${example.line}`, title: t`Open this line on the desk` },
        lineImage(example.image), h("span", { class: "reading", dir: "auto" }, litText(example.pieces)))))]))));
  }

  suspicious() {
    const { h } = window.htr;
    const { suspicious } = this.survey;
    if (!suspicious.length) return null;
    const item = (line) => h("li", {}, h("a", { href: `#/page/${line.page}/line/${line.line}` },
      h("b", {}, t`${line.document}, page ${line.page_number}, line ${line.number}`)), h("span", { class: "soft" }, `: ${t.said(line.why)}`));
    const first = suspicious.slice(0, SHOWN_AT_FIRST), rest = suspicious.slice(SHOWN_AT_FIRST);
    const [line] = suspicious;
    return this.row("suspicious",
      h("p", {}, suspicious.length === 1 ? t`${h("b", {}, t`${1} [line|lines]`)} looks wrong.` : t`${h("b", {}, t`${suspicious.length} [line|lines]`)} look wrong.`),
      h("a", { class: "button", href: `#/page/${line.page}/line/${line.line}` }, suspicious.length === 1 ? t`Look at it` : t`Look at them`),
      [h("ul", {}, first.map(item)), rest.length ? this.fold("all-suspicious", t`${rest.length} more`, h("ul", {}, rest.map(item))) : null, this.leftOut()]);
  }

  leftOut() {
    const { h } = window.htr;
    const box = h("input", { type: "checkbox", checked: this.leaveOut });
    box.addEventListener("change", () => { this.leaveOut = box.checked; });
    return h("label", { class: "left-out" }, box, this.survey.suspicious.length === 1 ? t`Leave it out of this training` : t`Leave them out of this training`);
  }

  // Returns what a person chose, as the server takes it.
  get choices() {
    const leftOut = this.leaveOut ? this.survey.suspicious.map((line) => line.line) : [];
    return { minutes: this.minutes, tcm: this.tcm, self_training: this.selfTraining, left_out: leftOut };
  }

  time(estimate) {
    const { h } = window.htr;
    const limit = h("input", {
      type: "number", min: "0.1", max: "1440", step: "any", placeholder: t`no limit`, value: this.minutes ?? "",
      "aria-label": t`No longer than so many minutes`,
    });
    limit.addEventListener("change", () => {
      this.minutes = limit.validity.valid && limit.value ? Number(limit.value) : null;
      if (this.minutes === null) limit.value = "";
      if (this.survey.can_start) this.acts.measure();
    });
    this.estimated = h("p", { class: "estimate", role: "status" });
    this.showEstimate(estimate);
    return h("div", { class: "time" }, this.estimated, h("label", { class: "soft small" }, t`No longer than ${limit} minutes`));
  }

  // estimate: {sentence}; null: being measured.
  showEstimate(estimate) {
    if (!this.estimated) return;
    this.estimated.classList.toggle("busy", estimate === null && this.survey.can_start);
    if (!this.survey.can_start) this.estimated.textContent = t`There is nothing to learn from yet.`;
    else if (estimate === null) this.estimated.textContent = t`How long it takes is being measured, with one step on this computer…`;
    else this.estimated.textContent = t.said(estimate.sentence);
  }

  details() {
    const { h } = window.htr;
    const tcm = h("select", {}, TCM_CHOICES.map(([value, words]) => h("option", { value: String(value), selected: value === this.tcm }, words)));
    tcm.addEventListener("change", () => { this.tcm = JSON.parse(tcm.value); });
    const undecided = h("input", { type: "checkbox", checked: this.selfTraining });
    undecided.addEventListener("change", () => { this.selfTraining = undecided.checked; });
    return this.fold("settings", t`Details`, [
      h("label", {}, t`Learn with the text around each character (TCM)`, tcm),
      h("p", { class: "soft small" }, t`A second head learns to tell a character from its neighbours, which may steady the model. Reading does not use it.`),
      h("label", {}, undecided, t`Learn from lines that nobody has corrected, too`),
      h("p", { class: "soft small" }, t`They are read with the language model in the box, and the surest readings teach as well. That may help where few lines are corrected and one hand wrote them all; it takes three times as long.`)]);
  }

  button() {
    const { h, icon } = window.htr;
    const { survey } = this;
    const teach = h("button", { type: "button", class: "first teach", disabled: !survey.can_start }, icon("train"), t`Teach the model`);
    teach.addEventListener("click", () => {
      teach.disabled = true; // one press, one run
      this.acts.start().finally(() => { teach.disabled = false; });
    });
    return teach;
  }
}
