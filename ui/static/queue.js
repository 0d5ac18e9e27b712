// The queue of pages to read, in words, with what can be done about it.
(() => {
  const { h, icon, call, say } = window.htr;

  const minutes = (left_s) => (left_s ? t`, about ${Math.ceil(left_s / 60)} min` : "");

  // Shows in `holder` what waits; `working`: pages of this place that wait or are read, `left_s`
  // the seconds they take. `failed`: how many could not be read; `readFailed` tries them again.
  function showQueue(holder, server, onChange, { working, left_s, paused, failed = 0, readFailed = null }) {
    const act = (ask) => () => ask().then(onChange).catch(say);
    const state = JSON.stringify([working, left_s && Math.ceil(left_s / 60), paused, failed]);
    if (holder.dataset.state === state) return; // focus stays where it is
    holder.dataset.state = state;
    const focused = holder.contains(document.activeElement);
    holder.replaceChildren(...[
      working ? h("span", {}, paused ? t`Paused: ${working} [page waits|pages wait]` : [t`${working} [page|pages] to read`, minutes(left_s)]) : null,
      working ? h("button", { type: "button", class: "quiet pause", onclick: act(() => call(paused ? server.go_on_reading : server.pause_reading)),
        title: paused ? t`Go on reading` : t`The page in hand is finished; the rest waits, also after a restart` }, icon(paused ? "play" : "pause"), paused ? t`Go on` : t`Pause`) : null,
      failed ? h("span", { class: "state-failed" }, t`${failed} [page|pages] could not be read`) : null,
      failed && readFailed ? h("button", { type: "button", class: "quiet", onclick: act(readFailed) }, icon("again"), failed === 1 ? t`Try it again` : t`Try them again`) : null,
    ].filter(Boolean));
    if (focused) holder.querySelector("button")?.focus();
  }

  Object.assign(window.htr, { showQueue });
})();
