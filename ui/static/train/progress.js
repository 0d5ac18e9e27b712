// A run at work: what it does, how far it is, how long it will take, what the model reads by now.
class Progress {
  // `cancel(run id)` stops the run.
  constructor(cancel) {
    const { h } = window.htr;
    this.cancel = cancel;
    this.phase = h("h2", { class: "busy", role: "status" }); // the figures would be read out each second
    this.figures = h("p", { class: "soft pace" });
    this.meter = h("progress", { max: 1 });
    this.stop = h("button", { type: "button" });
    this.kept = h("p", { class: "soft small" });
    this.plot = new Plot();
    this.samples = h("div", { class: "samples" });
    this.element = h("div", { class: "ledger running" },
      h("div", { class: "entry" }, h("div", { class: "statement" }, this.phase, this.figures), h("div", { class: "beside" }, this.stop),
        h("div", { class: "more" }, this.meter, this.kept)),
      this.plot.element, this.samples);
  }

  show(run) {
    const { h } = window.htr;
    const phase = t.said(run.phase_words);
    if (this.phase.textContent !== phase) this.phase.textContent = phase;
    const figures = [];
    if (run.step !== null) figures.push(run.steps ? t`step ${run.step} of ${run.steps}` : t`step ${run.step}`);
    if (run.time_left_s !== null) figures.push(run.time_left_s < 5 ? t`nearly there` : t`about ${lasting(run.time_left_s)} left`);
    else if (run.elapsed_s) figures.push(t`for ${lasting(run.elapsed_s)} now`);
    this.figures.textContent = figures.join(" · ");
    if (run.progress === null) this.meter.removeAttribute("value");
    else this.meter.value = run.progress;
    this.meter.setAttribute("aria-label", phase);
    this.stop.textContent = run.stopping ? t`Stopping…` : t`Stop here`;
    this.stop.disabled = run.stopping;
    this.stop.onclick = () => this.cancel(run.id);
    this.kept.textContent = run.stopping ? t`The best model so far is being tested; it is kept if it proves better.`
      : t`You can leave or close this page; the work goes on. Stopping keeps the best so far, if it proves better.`;
    this.plot.element.hidden = !run.curve.length;
    this.plot.show(run.curve, run.steps, run.cer_before);
    this.showSamples(run.samples);
  }

  showSamples(samples) {
    const { h } = window.htr;
    const drawn = JSON.stringify(samples);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.samples.replaceChildren(...(samples.length ? [h("h3", {}, t`Test lines, as the model reads them now`)] : []),
      ...samples.map((sample) => h("div", { class: "sample" }, lineImage(sample.image),
        h("dl", { class: "texts" }, h("dt", {}, t`right`), h("dd", {}, h("span", { class: "reading", dir: "auto" }, sample.truth)),
          h("dt", {}, t`reads`), h("dd", {}, markedReading(sample.reading, sample.truth))))));
  }
}
