// Progress: what people decided a day, how well the machine read it, what typing that saved.
const { h, call, say, place } = window.htr;
const body = element.querySelector(".body");
const SHOWN_DAYS = 60; // drawn; the table has all of them
const rate = (share) => (share === null ? "–" : t.percent(share, share < 0.0995 ? 1 : 0));
const whole = (number) => t.number(number);
const savedShare = (tally) => (tally.typed ? Math.max(0, tally.saved / tally.typed) : null);

const figure = (value, words) => h("div", { class: "figure" }, h("b", {}, value), h("span", { class: "soft small" }, words));

function figures({ total, days, left }) {
  const recent = days.slice(-7);
  const pace = recent.length ? Math.round(recent.reduce((sum, day) => sum + day.lines, 0) / recent.length) : 0;
  return h("div", { class: "figures" },
    figure(whole(total.lines), t`lines corrected or confirmed`),
    figure(whole(left), t`lines left to check`),
    figure(whole(pace), t`lines a day, over the last ${recent.length} [day|days] of work`),
    figure(rate(total.cer), t`of the characters were misread by the machine`),
    figure(rate(savedShare(total)), t`of the key presses spared: ${whole(Math.max(0, total.saved))} of ${whole(total.typed)}`));
}

function linesPlot(days, byDay) {
  const plot = new DayPlot(t`Lines a day`, (mark) => whole(mark), (self, x, y, slot_px) => self.days.map((day, index) => {
    const tally = byDay.get(day);
    if (!tally) return null;
    const width = Math.max(2, Math.min(34, slot_px * 0.7));
    const bar = (kind, from, to) => (to > from ? h("path", { class: `day-bar ${kind}`, d: `M${x(index) - width / 2} ${y(from)}H${x(index) + width / 2}V${y(to)}H${x(index) - width / 2}Z` },
      h("title", {}, t`${day}: ${tally.lines - tally.confirmed} corrected, ${tally.confirmed} confirmed`)) : null);
    return [bar("corrected", 0, tally.lines - tally.confirmed), bar("confirmed", tally.lines - tally.confirmed, tally.lines)];
  }));
  const most = [...byDay.values()].reduce((a, b) => (b.lines > a.lines ? b : a));
  plot.show(days, days.map((day) => byDay.get(day)?.lines ?? 0),
    t`Dark: corrected; light: confirmed as the machine read them. Most on ${dayWords(most.day)}: ${most.lines} [line|lines].`);
  return plot.element;
}

function errorsPlot(days, byDay) {
  const measured = days.filter((day) => byDay.get(day)?.cer != null);
  const value = (day) => byDay.get(day)?.cer ?? null;
  const plot = new DayPlot(t`Characters that the machine had misread`, (mark) => `${t.number(Number((100 * mark).toFixed(1)))}\u00a0%`, (self, x, y) => {
    const points = self.days.map((day, index) => [day, x(index)]).filter(([day]) => value(day) !== null);
    return [h("path", { class: "curve", d: points.map(([day, at], index) => `${index ? "L" : "M"}${at.toFixed(1)} ${y(value(day)).toFixed(1)}`).join("") }),
      points.map(([day, at]) => h("circle", { class: "dot", cx: at, cy: y(value(day)), r: 3.4 }, h("title", {}, `${day}: ${rate(value(day))}`)))];
  });
  const words = measured.length
    ? t`On the lines decided that day, against what people made of them. First ${rate(value(measured[0]))}, last ${rate(value(measured[measured.length - 1]))}.`
    : t`No machine had read the lines of these days.`;
  plot.show(days, days.map(value), words);
  return plot.element;
}

function table(caption, heads, rows) {
  return h("table", { class: "progress-table" }, h("caption", { class: "soft small" }, caption),
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, rows.map(([first, ...cells]) => h("tr", {}, h("th", { scope: "row" }, first), cells.map((cell) => h("td", {}, cell))))));
}

const cells = (tally) => [whole(tally.lines), whole(tally.confirmed), rate(tally.cer), whole(tally.saved), rate(savedShare(tally))];
const HEADS = [t`lines`, t`of them confirmed`, t`misread characters`, t`key presses spared`, t`of all`];

function models(answer) {
  if (!answer.models.length) return null;
  return h("section", {}, h("h2", {}, t`By model`),
    table(t`What each model had read on the lines that people decided.`, [t`model`, ...HEADS],
      answer.models.map((one) => [h("a", { href: `#/models/${one.model}` }, one.name), ...cells(one)])));
}

function show(answer) {
  if (!answer.total.lines) {
    body.replaceChildren(h("div", { class: "empty" }, h("h2", {}, t`Nothing corrected yet`),
      h("p", {}, t`Once you correct or confirm lines on the desk, this place shows how many a day, how well the machine reads them, and how much typing it saves.`)));
    return;
  }
  const byDay = new Map(answer.days.map((day) => [day.day, day]));
  const days = everyDay(answer.days).slice(-SHOWN_DAYS);
  const drawn = new Map(answer.days.filter((day) => day.day >= days[0]).map((day) => [day.day, day]));
  body.replaceChildren(...[figures(answer), linesPlot(days, drawn), errorsPlot(days, byDay), models(answer),
    h("details", {}, h("summary", {}, t`The days as a table`),
      table("", [t`day`, ...HEADS], [...answer.days].reverse().map((one) => [one.day, ...cells(one)]))),
    h("p", { class: "soft small hint" }, t`Typed by hand, a line takes a key press for each character and one to go on; beside the machine's reading it takes one for each edit and one to go on. The difference is what was spared; finding the place of an edit is not counted.`),
  ].filter(Boolean));
}

place("progress", {
  enter() {
    document.title = t`Progress · HTR Desk`;
    call(server.progress, { offset_min: -new Date().getTimezoneOffset() }).then(show).catch(say);
  },
});
