// The reader's language. Sentences stand in English where they are used, and a catalogue (words/fr.json,
// words/de.json) has each of them in another language, `${values}` as {0}, {1}:
//   t`${3} of ${7} [line|lines] left`
// Numbers are written as the language writes them, and pick among [forms|in brackets]: the number
// before them, or else the first one. Where a value is an element, pieces for `h` are returned.
// `t` is as common as a quotation mark, so it is global.
(() => {
  if (window.t) return;
  const catalogues = JSON.parse(document.getElementById("htr-words").textContent);
  const FORMS = ["zero", "one", "two", "few", "many", "other"];
  const SPOKEN = ["title", "aria-label", "placeholder", "alt"];
  const PLACES = /\{(\d+)\}|\[([^[\]|]*(?:\|[^[\]|]*)+)\]/g;
  const wanted = navigator.languages?.length ? navigator.languages : [navigator.language || "en"];
  const base = (name) => name.toLowerCase().split("-")[0];
  const kept = window.htr.preference("language");
  const language = kept in catalogues || kept === "en" ? kept
    : wanted.map(base).find((name) => name in catalogues || name === "en") || "en";
  const locale = wanted.find((name) => base(name) === language) || language; // de-AT where it is German
  const { screens: words, server } = catalogues[language] || { screens: {}, server: {} };
  const plurals = new Intl.PluralRules(language);
  const categories = plurals.resolvedOptions().pluralCategories;
  const order = FORMS.filter((name) => categories.includes(name));
  document.documentElement.lang = language;

  // Returns a number as the language writes it; `digits` behind its point, or as many as it has.
  const number = (value, digits) => value.toLocaleString(locale, digits === undefined
    ? { maximumFractionDigits: 6 } : { minimumFractionDigits: digits, maximumFractionDigits: digits });

  // Returns a number in words that came from the server ("31,000", "0.05"), else null.
  function numberIn(value) {
    if (typeof value === "number") return value;
    return typeof value === "string" && /^(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$/.test(value) ? Number(value.replaceAll(",", "")) : null;
  }

  function written(value) {
    if (typeof value === "number") return number(value);
    const [, figures, unit] = /^(\S+)(\s%)$/.exec(value) || [];
    if (figures) return written(figures) + unit;
    const found = numberIn(value);
    if (found === null || language === "en") return value;
    const digits = (value.split(".")[1] || "").length;
    return found.toLocaleString(locale, { useGrouping: value.includes(","), minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  function form(forms, count) {
    if (count === null || forms.length > order.length) return forms[forms.length - 1];
    const category = plurals.select(count);
    if (forms.length === 2) return forms[category === "one" ? 0 : 1];
    return forms[Math.min(forms.length - 1, order.indexOf(category))];
  }

  // Returns a sentence with its values in their places, as pieces.
  function filled(sentence, values) {
    const counts = values.map(numberIn);
    const first = counts.find((count) => count !== null) ?? null;
    const pieces = [];
    let last = null, at = 0;
    for (const match of sentence.matchAll(PLACES)) {
      pieces.push(sentence.slice(at, match.index));
      at = match.index + match[0].length;
      if (match[1] !== undefined) {
        last = counts[match[1]] ?? last;
        pieces.push(written(values[match[1]]));
      } else pieces.push(...filled(form(match[2].split("|"), last ?? first), values));
    }
    pieces.push(sentence.slice(at));
    return pieces;
  }

  // The spaces around a sentence are the page's, not the catalogue's.
  const core = (text) => text.replace(/\s+/g, " ").trim();
  const around = (text) => [/^\s*/.exec(text)[0] && " ", text.trim() && /\s*$/.exec(text)[0] && " "];

  function t(strings, ...values) {
    const text = strings.reduce((all, part, index) => `${all}{${index - 1}}${part}`);
    const key = core(text);
    const [before, after] = around(text);
    const pieces = [before, ...filled(words[key] ?? key, values), after];
    const simple = pieces.every((piece) => !(piece instanceof Node) && !Array.isArray(piece));
    return simple ? pieces.join("") : pieces.filter((piece) => piece !== "");
  }

  // ---- what the server says --------------------------------------------------------------------
  // The server writes English, be it today or when a run failed last week; its sentences are found
  // again by their shape.
  let shapes = null;

  function shapeOf(key) {
    const parts = key.split(/(\{\d+\}|\[[^[\]|]*(?:\|[^[\]|]*)+\])/);
    const pattern = parts.map((part) => {
      const quoted = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      if (/^\{\d+\}$/.test(part)) return "([^]+?)";
      if (/^\[.*\|.*\]$/.test(part)) return `(?:${part.slice(1, -1).split("|").map(quoted).join("|")})`;
      return quoted(part);
    });
    return { key, pattern: new RegExp(`^${pattern.join("")}$`), literal: key.replace(PLACES, "").length };
  }

  const exact = (sentence) => server[sentence] ?? words[sentence];

  // Returns the sentence in the reader's language, or null where no catalogue has it.
  function known(sentence) {
    const same = exact(sentence);
    if (same !== undefined) return same;
    shapes = shapes || Object.keys(server).filter((key) => key.includes("{") || /\[.*\|/.test(key))
      .map(shapeOf).filter((shape) => shape.literal > 3).sort((a, b) => b.literal - a.literal);
    for (const { key, pattern } of shapes) {
      const match = pattern.exec(sentence);
      if (match) return filled(server[key], match.slice(1).map((value) => (value.includes(" ") ? said(value) : value))).join("");
    }
    return null;
  }

  // Returns what the server said in the reader's language. Where each of several sentences is known,
  // each is taken for itself: the shape of a short piece would match all of them together.
  function said(text) {
    if (language === "en" || typeof text !== "string" || !text) return text;
    const same = exact(text);
    if (same !== undefined) return same;
    const sentences = text.split(/(?<=[.!?]) (?=\p{Lu})/u);
    const each = sentences.map(known);
    if (sentences.length === 1) return each[0] ?? text;
    if (each.every((sentence) => sentence !== null)) return each.join(" ");
    return known(text) ?? each.map((sentence, number) => sentence ?? sentences[number]).join(" ");
  }

  // ---- what stands in the page -----------------------------------------------------------------
  // An element with words of its own is one sentence; the elements among them are {0}, {1}.
  function screen(root) {
    for (const element of [root, ...root.querySelectorAll("*")]) {
      for (const name of SPOKEN) {
        const spoken = words[element.getAttribute(name)];
        if (spoken) element.setAttribute(name, spoken);
      }
      const inner = [...element.children];
      const text = [...element.childNodes].map((node) => (node instanceof Element ? `{${inner.indexOf(node)}}` : node.data)).join("");
      const sentence = words[core(text)];
      if (!sentence) continue;
      const [before, after] = around(text);
      element.replaceChildren(before, ...filled(sentence, inner), after);
    }
  }

  const time = (value) => new Date(value).toLocaleString(locale);
  const date = (value, options) => new Date(value).toLocaleDateString(locale, options);
  const percent = (share, digits) => `${number(100 * share, digits)}\u00a0%`;
  const list = (items) => new Intl.ListFormat(locale).format(items);

  window.t = Object.assign(t, { language, number, percent, time, date, list, said, screen });
})();
