// Settings: how this browser shows the desk, and what this app runs on.
const { h, call, say, message, place, preference, setPreference } = window.htr;
element.querySelector(".backup").prepend(window.htr.icon("download"));
const facts = element.querySelector(".facts");

for (const control of element.querySelectorAll("[data-preference]")) {
  const name = control.dataset.preference;
  const show = () => {
    control.value = preference(name);
    const words = element.querySelector(`[data-words="${name}"]`);
    if (words) words.textContent = control.dataset.unit === "px" ? `${control.value} px` : t.number(Number(control.value), 2);
  };
  control.addEventListener("input", () => {
    setPreference(name, control.type === "range" ? Number(control.value) : control.value);
    show();
    if (name === "language") location.reload(); // everything is written anew; what was typed is kept
  });
  show();
}

async function refresh() {
  const answer = await call(server.facts);
  facts.replaceChildren(...answer.facts.map(([name, value]) => h("div", {}, h("dt", {}, t.said(name)), h("dd", {}, t.said(value)))));
}

// ---- the language model ------------------------------------------------------------------------
const LONGEST_TEXT = 20_000_000; // bytes; the server says the same
const language = element.querySelector(".language");
const part = (name) => language.querySelector(name);
let asking = 0;

function showLanguage(state) {
  const building = state.share !== null;
  part("#htr-language-on").checked = state.on;
  part(".text-name").textContent = state.text_name || t`none`;
  part(".drop").hidden = !state.text_name;
  part(".words").textContent = building ? t`Being built: reading lines that were kept aside, and choosing how much it counts.` : t.said(state.words);
  part(".build").textContent = state.built ? t`Build it again` : t`Build it`;
  part(".build").hidden = building;
  part("progress").hidden = !building;
  part("progress").value = state.share || 0;
  part(".trouble").hidden = !state.trouble;
  part(".trouble").textContent = t.said(state.trouble);
  clearTimeout(asking);
  if (building) asking = setTimeout(() => askLanguage(server.language), 1000);
}

// A refusal leaves the controls as the server has them.
async function askLanguage(ask, argument) {
  try {
    showLanguage(await call(ask, argument));
  } catch (error) {
    say(error);
    if (ask !== server.language) askLanguage(server.language);
  }
}

part("#htr-language-on").addEventListener("change", (event) => askLanguage(server.switch_language, { on: event.target.checked }));
part(".build").addEventListener("click", () => askLanguage(server.build_language));
part(".drop").addEventListener("click", () => askLanguage(server.choose_language_text, { name: "", text: "" }));
part(".choose").addEventListener("click", () => {
  const input = h("input", { type: "file", accept: ".txt,text/plain" });
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    if (file.size > LONGEST_TEXT) {
      message(t`“${file.name}” is larger than 20 MB. Choose a part of it.`, { kind: "error" });
      return;
    }
    await askLanguage(server.choose_language_text, { name: file.name, text: await file.text() });
    message(t`The text is kept. Build the language model to use it.`);
  });
  input.click();
});

place("settings", {
  enter() {
    document.title = t`Settings · HTR Desk`;
    refresh().catch(say);
    askLanguage(server.language);
  },
  leave() {
    clearTimeout(asking);
  },
});
