// Asks how, and on which pages, the lines are to be found again.
const METHOD_WORDS = {
  auto: t`the best that is installed`, network: t`by the neural network`, opencv: t`by the ink alone (OpenCV)`,
};

// `start(method, scope)` is called with what was chosen; scope is "page" or "document".
function askSegmentation(element, page, start) {
  const { h } = window.htr;
  const dialog = element.querySelector(".segment-dialog");
  const methods = dialog.querySelector("select");
  methods.replaceChildren(...page.methods.map((name) => h("option", { value: name }, METHOD_WORDS[name] || name)));
  dialog.querySelector("[value=page]").checked = true;
  dialog.querySelector(".all-pages").parentNode.hidden = page.total === 1;
  dialog.querySelector(".all-pages").textContent = t`all ${page.total} [page|pages] of the document`;
  dialog.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    dialog.close();
    if (event.submitter?.value === "find") start(methods.value, dialog.querySelector("input:checked").value);
  };
  dialog.showModal();
}
