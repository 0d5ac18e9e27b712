// Settings: how this browser shows the desk, and what this app runs on.
const { h, call, say, place, preference, setPreference } = window.htr;
const facts = element.querySelector(".facts");

for (const control of element.querySelectorAll("[data-preference]")) {
  const name = control.dataset.preference;
  const show = () => {
    control.value = preference(name);
    const words = element.querySelector(`[data-words="${name}"]`);
    if (words) words.textContent = control.dataset.unit === "px" ? `${control.value} px` : Number(control.value).toFixed(2);
  };
  control.addEventListener("input", () => {
    setPreference(name, control.type === "range" ? Number(control.value) : control.value);
    show();
  });
  show();
}

async function refresh() {
  const answer = await call(server.facts);
  facts.replaceChildren(...answer.facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

place("settings", {
  enter() {
    document.title = "Settings · HTR Desk";
    refresh().catch(say);
  },
});
