// Taking pages along: one dialog for every place. The server writes the file in the background;
// the dialog can be closed meanwhile, and shows what is ready when it is opened again.
(() => {
  if (!window.htr || window.htr.exportPages) return;
  const { h, icon, call, say, preference, setPreference } = window.htr;
  const TEXTS = [
    ["best", t`the best: what people wrote, else the machine’s`],
    ["human", t`only what people corrected or confirmed`],
    ["machine", t`what the machine read`],
  ];
  const POLL_MS = 400;

  function sizeWords(bytes) {
    if (bytes < 1000) return t`${bytes} [byte|bytes]`;
    return bytes < 1e6 ? `${t.number(bytes / 1000, 0)} kB` : `${t.number(bytes / 1e6, 1)} MB`;
  }

  function option(value, words, chosen) {
    return h("option", { value, selected: value === chosen }, words);
  }

  function formatSelect(formats, chosen) {
    const groups = [...new Set(formats.map((format) => format.group))];
    const select = h("select", { name: "format", id: "htr-export-format" }, groups.map((group) => {
      const ofGroup = formats.filter((format) => format.group === group);
      const list = h("optgroup", { label: t.said(group) });
      list.append(...ofGroup.map((format) => option(format.key, t.said(format.name), chosen)));
      return list;
    }));
    return select;
  }

  // `scopes`: [{scope, number, project, words}], the first is chosen. `server`: the functions of
  // the place that asks, with those of ui/exports.py among them.
  async function exportPages(element, server, scopes) {
    const answer = await call(server.exports);
    const dialog = h("dialog", { class: "export-dialog", "aria-label": t`Export` });
    const kept = preference("export") || {};
    const format = formatSelect(answer.formats, kept.format);
    const text = h("select", { name: "text", id: "htr-export-text" }, TEXTS.map(([key, words]) => option(key, words, kept.text)));
    const images = h("input", { type: "checkbox", name: "images", checked: kept.images === true });
    const about = h("p", { class: "soft small about" });
    const list = h("div", { class: "ready", "aria-live": "polite" });
    let own = null; // the run that was started here; its file is downloaded at once
    let timer = null;

    const chosen = () => answer.formats.find((one) => one.key === format.value);

    function showFormat() {
      about.textContent = t.said(chosen().about);
      images.disabled = chosen().images !== "may";
      images.indeterminate = false;
      images.checked = ["always", "inside"].includes(chosen().images) || (chosen().images === "may" && kept.images === true);
    }

    function row(run) {
      const words = `${run.title} · ${t.said(run.format)}`;
      if (run.address) {
        return h("div", { class: "run" }, h("span", { class: "grow" }, run.file, h("span", { class: "soft small" }, ` ${sizeWords(run.bytes)}`)),
          h("a", { class: "button", href: run.address, download: run.file }, icon("download"), t`Download`));
      }
      if (run.state === "failed") return h("div", { class: "run" }, h("span", { class: "state-failed" }, `${words}: ${t.said(run.message)}`));
      return h("div", { class: "run" }, h("span", { class: "grow busy" }, words, h("span", { class: "soft small" }, ` ${t.said(run.phase) || t`waiting`}`)),
        h("progress", { max: 1, value: run.progress, "aria-label": words }),
        h("button", { type: "button", onclick: () => call(server.cancel_export, { run: run.run }).then(follow).catch(say) }, t`Cancel`));
    }

    async function follow() {
      clearTimeout(timer);
      const { runs } = await call(server.exports);
      list.replaceChildren(...runs.map(row));
      const mine = runs.find((run) => run.run === own);
      if (mine?.address && dialog.open) {
        own = null;
        list.querySelector(`a[href="${mine.address}"]`).click();
      }
      if (dialog.open && runs.some((run) => ["waiting", "running"].includes(run.state))) {
        timer = setTimeout(() => follow().catch(say), POLL_MS);
      }
    }

    async function start() {
      const { scope, number, project } = scopes[Number(dialog.querySelector("[name=scope]:checked").value)];
      if (!images.disabled) kept.images = images.checked;
      Object.assign(kept, { format: format.value, text: text.value });
      setPreference("export", kept);
      const order = { scope, number: number || 0, project: project || "", format: format.value, text: text.value, images: images.checked };
      const { run } = await call(server.start_export, order);
      own = run.run;
      await follow();
    }

    const choices = scopes.map(({ words }, index) => h("label", {},
      h("input", { type: "radio", name: "scope", value: index, checked: index === 0 }), ` ${words}`));
    dialog.append(h("form", { method: "dialog" },
      h("h2", {}, t`Export`),
      h("fieldset", {}, h("legend", { class: "soft small" }, t`What`), choices),
      h("label", { for: "htr-export-format" }, t`Format`), format, about,
      h("label", { for: "htr-export-text" }, t`Text`), text,
      h("label", { class: "images" }, images, t` with the page images`),
      h("div", { class: "buttons" },
        h("button", { type: "button", class: "first start", onclick: () => start().catch(say) }, icon("download"), t`Export`),
        h("button", { type: "submit" }, t`Close`)),
      list));
    format.addEventListener("change", () => {
      showFormat();
      if (chosen().teaches) text.value = "human"; // a machine should learn from people
    });
    dialog.addEventListener("close", () => {
      clearTimeout(timer);
      dialog.remove();
    });
    element.querySelector(".htr").append(dialog);
    dialog.showModal();
    showFormat();
    await follow();
  }

  Object.assign(window.htr, { exportPages });
})();
