// A transcription pasted onto the page: laid onto its lines, shown, taken, and undone.
// `page()` is the page on the desk; `refresh()` brings in what the server has.
function pasteDialog(element, { page, server, refresh }) {
  const { h, call, message, say } = window.htr;
  const dialog = element.querySelector(".paste-dialog");
  const part = (name) => dialog.querySelector(name);
  const text = part("textarea");
  let rows = []; // {line, take, field}

  function row(found, index) {
    const take = h("input", { type: "checkbox", checked: found.chosen, "aria-label": t`Take the text of line ${index + 1}`, onchange: tell });
    const field = h("input", { type: "text", value: found.text, "aria-label": t`Pasted text of line ${index + 1}`,
      oninput: () => { take.checked = Boolean(field.value.trim()); tell(); } });
    rows.push({ found, take, field });
    const state = found.status !== "machine" ? t`you have written this line already`
      : !found.text ? t`nothing in the transcription` : found.likeness < 0.6 ? t`unlike what was read: look` : "";
    return h("li", { "data-doubt": state ? "" : null },
      h("label", {}, take, String(index + 1)),
      h("div", {}, found.crop ? h("img", { src: found.crop, alt: "", loading: "lazy" }) : null,
        h("span", { class: "soft small" }, found.shown || t`no reading`, state ? h("b", {}, ` · ${state}`) : null), field));
  }

  function tell() {
    const taken = rows.filter((one) => one.take.checked).length;
    part(".take").disabled = !taken;
    part(".take").textContent = taken ? t`Take ${taken} [line|lines]` : t`Take`;
  }

  function step(name) {
    dialog.dataset.step = name;
    (name === "paste" ? text : part(".take")).focus();
  }

  async function lay() {
    const answer = await call(server.lay_text, { page: page().id, text: text.value });
    rows = [];
    part("ol").replaceChildren(...answer.lines.map(row));
    part(".left-over").hidden = !answer.left_over.length;
    part(".left-over ul").replaceChildren(...answer.left_over.map((piece) => h("li", {}, piece)));
    tell();
    step("look");
  }

  async function take() {
    const at = page().id;
    const lines = rows.filter((one) => one.take.checked)
      .map((one) => ({ line: one.found.line, text: one.field.value, parent: one.found.parent }));
    const { taken } = await call(server.take_pasted, { page: at, lines });
    dialog.close();
    text.value = "";
    await refresh();
    message(t`${taken.length} [line has|lines have] the pasted text now.`, {
      action: t`Undo`, stay_ms: 20000,
      onAction: () => call(server.undo_pasted, { lines: taken }).then(refresh).catch(say),
    });
  }

  part(".lay").addEventListener("click", () => lay().catch(say));
  part(".take").addEventListener("click", () => take().catch(say));
  part(".again").addEventListener("click", () => step("paste"));
  for (const button of dialog.querySelectorAll(".close")) button.addEventListener("click", () => dialog.close());
  return () => {
    if (!page() || !page().lines.length) return;
    dialog.showModal();
    step("paste");
  };
}
