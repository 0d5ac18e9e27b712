// What each key does in the text of a line. Keys can be changed; the choice is this browser's.
// A chord is written "Ctrl+Shift+Z"; the Command key of a Mac counts as Ctrl.
const KEY_ACTS = [
  ["next", t`Accept the line as it stands and go to the next`, "Enter"],
  ["back", t`Accept the line and go back to the one before`, "Shift+Enter"],
  ["doubtful-next", t`Accept the line and go to the next doubtful one`, "Ctrl+Enter"],
  ["machine", t`Put the machine's reading back`, "Escape"],
  ["undo", t`Undo, line by line, as often as you like, also after a reload`, "Ctrl+Z"],
  ["redo", t`Do again what was undone`, "Ctrl+Y", "Ctrl+Shift+Z"],
  ["illegible", t`Illegible: puts [...] there, or in place of what is selected`, "Alt+I"],
  ["struck", t`Struck out: ⟦puts⟧ brackets around the word or the selection, or takes them away`, "Alt+S"],
  ["unsure", t`Unsure: puts [?] after the word, or takes it away`, "Alt+U"],
  ["doubtful", t`The whole line is doubtful; press again to take that back`, "Alt+D"],
  ["ignored", t`This line is not text; press again to take that back`, "Alt+X"],
  ["choices", t`The next doubtful character, from the line's end back to its beginning; a digit picks what else it may be (at the caret: Alt and the digit)`, "Alt+A"],
  ["palette", t`Special characters, the most used first, and your abbreviations`, "Alt+C"],
  ["history", t`Versions of the line: who wrote what and when; any can be put back`, "Alt+H"],
  ["replace", t`Find and replace in the whole document, and its rules of writing`, "Alt+R"],
  ["link", t`Copy the link to this line`, "Alt+L"],
  ["around", t`Show the line within its neighbours, or alone`, "Alt+V"],
  ["larger", t`Larger image of the line`, "Alt+="],
  ["smaller", t`Smaller image of the line`, "Alt+-"],
  ["keys", t`Show these keys`, "F1"],
];
const KEYS_TAKEN = { Tab: t`goes to the next doubtful character`, "Shift+Tab": t`moves back`, F2: t`edits the lines on the page image`, F5: t`reloads the page`, "Ctrl+C": t`copies`, "Ctrl+V": t`pastes`, "Ctrl+X": t`cuts`, "Ctrl+A": t`selects the whole text` };

// Returns the chord of a key press, or "" for a modifier alone.
function chordOf(event) {
  if (["Control", "Shift", "Alt", "Meta", "AltGraph", "Dead", "Process", "Unidentified"].includes(event.key)) return "";
  // With Alt a Mac writes another letter: the key itself is meant then.
  const coded = event.altKey && /^(Key|Digit)/.test(event.code || "") && !/^[a-z0-9]$/i.test(event.key) ? event.code.slice(-1) : event.key;
  const key = coded === " " ? "Space" : coded.length === 1 ? coded.toUpperCase() : coded;
  const letter = /^[A-Z0-9]$/.test(key) || key.length > 1;
  return [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && letter && "Shift", key].filter(Boolean).join("+");
}

class Keymap {
  constructor() {
    this.read();
  }

  // Own keys replace the first key of an act; its others stay.
  read() {
    const own = window.htr.preference("keys") || {};
    this.chords = new Map();
    for (const [act, , first, ...others] of KEY_ACTS) this.chords.set(act, [own[act] || first, ...others]);
    this.acts = new Map();
    for (const [act, chords] of this.chords) for (const chord of chords) this.acts.set(chord, act);
  }

  // Returns the name of the act that a key press stands for, or undefined.
  actOf(event) {
    const typed = event.getModifierState?.("AltGraph"); // a third letter of the key, not Ctrl and Alt
    return typed ? undefined : this.acts.get(chordOf(event));
  }

  first(act) {
    return this.chords.get(act)[0];
  }

  // Gives an act another key; returns why that cannot be, or "".
  change(act, chord) {
    const words = (name) => KEY_ACTS.find(([other]) => other === name)[1];
    const plain = !/^(Ctrl|Alt)\+/.test(chord) && chord.replace(/^Shift\+/, "").length === 1;
    if (plain || chord === "Space") return t`${chord} writes a character. Take it together with Ctrl or Alt.`;
    if (KEYS_TAKEN[chord]) return t`${chord} ${KEYS_TAKEN[chord]}. Choose another key.`;
    if (this.acts.get(chord) !== undefined && this.acts.get(chord) !== act) return t`${chord} is taken: “${words(this.acts.get(chord))}”. Choose another key, or change that one first.`;
    window.htr.setPreference("keys", { ...(window.htr.preference("keys") || {}), [act]: chord });
    this.read();
    return "";
  }

  reset() {
    window.htr.setPreference("keys", {});
    this.read();
  }
}

// Returns the keys of a chord as elements.
function chordKeys(chord) {
  return chord.split(/\+(?=.)/).flatMap((key) => [window.htr.h("kbd", {}, { Escape: "Esc" }[key] || key), " "]);
}

// Fills the overlay: every act with its keys, each to be changed.
function showKeymap(holder, keymap, changed) {
  const { h } = window.htr;
  const told = h("p", { class: "key-trouble", role: "alert" });
  const rows = KEY_ACTS.map(([act, words]) => {
    const change = h("button", {
      type: "button", class: "quiet", "aria-label": t`Change the key: ${words}`, title: t`Change this key`,
      onclick: () => { told.textContent = ""; change.textContent = t`press the new key…`; },
      onblur: () => { change.textContent = t`change`; },
      onkeydown: (event) => {
        if (change.textContent === t`change`) return;
        event.preventDefault();
        event.stopPropagation();
        const chord = chordOf(event);
        if (!chord) return;
        told.textContent = keymap.change(act, chord);
        change.textContent = t`change`;
        if (!told.textContent) {
          showKeymap(holder, keymap, changed);
          changed();
        }
      },
    }, t`change`);
    return [h("dt", {}, keymap.chords.get(act).map((chord, index) => [index ? t`or ` : "", chordKeys(chord)])), h("dd", {}, words, " ", change)];
  });
  holder.replaceChildren(h("dl", { class: "text-keys" }, rows,
    h("dt", {}, h("kbd", {}, "Tab")), h("dd", {}, t`Go to the next doubtful character, to type over it or pick by digit; behind the last one, on to the next line without accepting`)), told,
  h("p", {}, h("button", { type: "button", class: "quiet", onclick: () => { keymap.reset(); showKeymap(holder, keymap, changed); changed(); } }, t`All keys as they were`)));
}
