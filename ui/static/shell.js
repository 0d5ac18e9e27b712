// What every place of the app shares: building elements, calling the server, moving between
// places by address, messages, and the reader's own preferences. Loaded once, before any place.
(() => {
  if (window.htr) return;

  const SVG_TAGS = new Set([
    "svg", "polygon", "polyline", "g", "path", "title", "desc", "line", "circle", "text",
  ]);

  // Returns an element. Text only ever arrives as text nodes: what people and machines wrote is
  // never parsed as HTML.
  function h(tag, attributes, ...children) {
    const svg = SVG_TAGS.has(tag);
    const element = svg
      ? document.createElementNS("http://www.w3.org/2000/svg", tag)
      : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === false || value === null || value === undefined) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name === "value") element.value = value;
      else element.setAttribute(name, value === true ? "" : String(value));
    }
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === false) continue;
      element.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return element;
  }

  // Each path is drawn on a 24 x 24 grid with a stroke.
  const ICONS = {
    library: "M4 5h4v14H4zM10 5h4v14h-4zM16.5 5.5l3.8-.9 3 13.6-3.8.9z",
    pause: "M9 5v14M15 5v14",
    play: "M8 5l11 7-11 7z",
    move: "M4 7h9M4 12h6M4 17h9M15 12h6M18 9l3 3-3 3",
    turnLeft: "M5 5v5h5M5 10a8 8 0 1 1-1 6",
    turnRight: "M19 5v5h-5M19 10a8 8 0 1 0 1 6",
    crop: "M7 3v14h14M3 7h14v14",
    note: "M5 4h14v16H5zM8 9h8M8 13h8M8 17h5",
    grip: "M9 6v.2M15 6v.2M9 12v.2M15 12v.2M9 18v.2M15 18v.2",
    link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
    progress: "M4 20V4M4 20h16M8 16v-4M12 16V8M16 16v-6",
    search: "M10.5 4a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13zM15.5 15.5L21 21",
    settings: "M4 7h10M18 7h2M4 17h2M10 17h10M14 4v6M8 14v6",
    upload: "M12 16V4M7 9l5-5 5 5M4 16v4h16v-4",
    bin: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
    back: "M14 6l-6 6 6 6",
    forward: "M10 6l6 6-6 6",
    download: "M12 4v12M7 11l5 5 5-5M4 20h16",
    check: "M5 12l5 5 9-10",
    again: "M20 11a8 8 0 1 0-2 6M20 5v6h-6",
    pen: "M4 20l4-1L19 8l-3-3L5 16z",
    train: "M3 9l9-4 9 4-9 4zM7 11v5c3 2.4 7 2.4 10 0v-5M21 9v6",
    models: "M12 3l8 4-8 4-8-4zM4 12l8 4 8-4M4 17l8 4 8-4",
    scales: "M12 4v16M7 20h10M5 7h14M5 7l-3 7h6zM19 7l-3 7h6z",
    shut: "M6 6l12 12M18 6L6 18",
    warning: "M12 4l9 16H3zM12 10v4M12 17v.2",
  };

  function icon(name) {
    return h("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" },
      h("path", { d: ICONS[name] }));
  }

  // ---- server --------------------------------------------------------------------------------
  class ServerError extends Error {}

  // Returns what a server function answers. A refusal by the app arrives as ServerError with a
  // sentence for the user; anything else thrown means that the server was not reached.
  async function call(serverFunction, argument) {
    const answer = await serverFunction(argument || {});
    if (answer && answer.error) throw new ServerError(t.said(answer.error));
    if (answer === undefined || answer === null) throw new Error("no answer");
    return answer;
  }

  // ---- messages ------------------------------------------------------------------------------
  function message(text, { kind = "info", action = null, onAction = null, stay_ms = 7000 } = {}) {
    const holder = document.getElementById("htr-messages") || document.body.appendChild(
      h("div", { id: "htr-messages", role: "status", "aria-live": "polite" }));
    const box = h("div", { class: `htr-message ${kind}` }, h("span", {}, text));
    if (action) {
      box.append(h("button", { type: "button", onclick: () => { box.remove(); onAction(); } }, action));
    }
    box.append(h("button", {
      type: "button", class: "quiet", "aria-label": t`Close this message`, onclick: () => box.remove(),
    }, "×"));
    holder.append(box);
    if (kind !== "error") setTimeout(() => box.remove(), stay_ms);
    return box;
  }

  // Copies the link to an address of the app, or to what is shown, down to the line.
  async function copyLink(address = location.hash) {
    const link = `${location.href.split("#")[0]}${address}`;
    try {
      await navigator.clipboard.writeText(link);
      message(t`The link is copied.`);
    } catch { // browsers keep the clipboard shut where the connection is not encrypted
      message(t`The link: ${link}`, { stay_ms: 60000 });
    }
  }

  function say(error) {
    if (error instanceof ServerError) message(error.message, { kind: "error" });
    else {
      message(t`The server cannot be reached. Check that it runs, then try again.`, { kind: "error" });
      console.error(error);
    }
  }

  // ---- places --------------------------------------------------------------------------------
  // #/  #/document/3  #/page/12  #/page/12/line/345  #/train  #/train/7 (a report)  #/settings
  // #/bin  #/progress  #/search/words  #/search/words/document/3
  // #/models  #/models/3  #/models/compare  #/models/compare/7  #/models/compare/with/3
  // #/changes/page/12  #/changes/document/3
  const places = {};
  let shown = null;

  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text; // typed by hand: it says what it says
    }
  }

  function address() {
    const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean);
    const number = (text) => (/^\d+$/.test(text || "") ? Number(text) : null);
    if (parts[0] === "document") return { place: "document", document: number(parts[1]) };
    if (parts[0] === "page") {
      return { place: "desk", page: number(parts[1]), line: parts[2] === "line" ? number(parts[3]) : null };
    }
    if (parts[0] === "train") {
      return parts.length > 1 ? { place: "report", run: number(parts[1]) } : { place: "train" };
    }
    if (parts[0] === "models") {
      const comparing = parts[1] === "compare";
      const given = comparing && parts[2] === "with" ? number(parts[3]) : null;
      return { place: "models", comparing, model: comparing ? null : number(parts[1]), run: comparing ? number(parts[2]) : null, given };
    }
    if (parts[0] === "search") {
      return { place: "search", text: decoded(parts[1] || ""), document: parts[2] === "document" ? number(parts[3]) : null };
    }
    if (parts[0] === "changes") {
      const of = (name) => (parts[1] === name ? number(parts[2]) : null);
      return { place: "changes", page: of("page"), document: of("document") };
    }
    if (parts[0] === "progress") return { place: "progress" };
    if (parts[0] === "bin") return { place: "bin" };
    if (parts[0] === "settings") return { place: "settings" };
    return { place: "library" };
  }

  function show() {
    const at = address();
    document.body.dataset.place = at.place;
    for (const link of document.querySelectorAll("[data-rail]")) {
      const here = link.dataset.rail === at.place
        || (link.dataset.rail === "library" && ["document", "desk", "changes", "bin"].includes(at.place))
        || (link.dataset.rail === "train" && at.place === "report");
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (shown && shown !== at.place && places[shown] && places[shown].leave) places[shown].leave();
    shown = at.place;
    if (places[at.place]) places[at.place].enter(at);
  }

  // Registers a place, whose words are then put into the reader's language; `enter` gets the address
  // each time the place is shown.
  function place(name, { enter, leave }) {
    t.screen(document.querySelector(`.htr[data-place="${name}"]`));
    places[name] = { enter, leave };
    if (address().place === name) show();
  }

  window.addEventListener("hashchange", show);

  // ---- preferences: this browser's own -------------------------------------------------------
  const DEFAULTS = { theme: "system", textSize_px: 21, doubtBelow: 0.5, dismissedRun: null, export: null,
    language: "system", wordsStand: "ink", lineZoom: 1, context: false, textFont: "system", keys: {}, usedCharacters: {}, abbreviations: {} };

  function preference(name) {
    try {
      const kept = JSON.parse(localStorage.getItem(`htr-preference-${name}`));
      return kept === null ? DEFAULTS[name] : kept;
    } catch {
      return DEFAULTS[name];
    }
  }

  function setPreference(name, value) {
    try {
      localStorage.setItem(`htr-preference-${name}`, JSON.stringify(value));
    } catch {
      message(t`This browser keeps no settings for this page; the choice lasts until it is closed.`);
    }
    applyPreferences();
    window.dispatchEvent(new CustomEvent("htr-preference", { detail: { name, value } }));
  }

  function applyPreferences() {
    document.documentElement.dataset.theme = preference("theme");
    document.documentElement.dataset.textFont = preference("textFont");
    document.documentElement.style.setProperty("--text-size", `${preference("textSize_px")}px`);
  }

  // ---- words ---------------------------------------------------------------------------------
  function ago(time) {
    const passed_s = (Date.now() - new Date(time).getTime()) / 1000;
    if (!(passed_s > 60)) return t`just now`;
    if (passed_s < 3600) return t`${Math.floor(passed_s / 60)} [minute ago|minutes ago]`;
    if (passed_s < 86400) return t`${Math.floor(passed_s / 3600)} [hour ago|hours ago]`;
    return t.date(time);
  }

  // Returns the bar of a document's or page's progress: machine | corrected | confirmed.
  function bar(counts) {
    const total = Math.max(1, counts.lines);
    const part = (kind) => h("span", { class: kind, style: `width:${(100 * counts[kind]) / total}%` });
    const words = t`${counts.lines} [line|lines]: ${counts.machine} read by machine, ${counts.corrected} corrected, ${counts.confirmed} confirmed`;
    return h("div", { class: "bar", role: "img", "aria-label": words, title: words },
      part("confirmed"), part("corrected"), part("machine"));
  }

  window.htr = {
    h, icon, call, message, copyLink, say, place, address, show, preference, setPreference, ago, bar,
    ServerError,
  };
  applyPreferences();
})();
