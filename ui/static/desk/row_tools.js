// The tools of the current line: how large its image is, and its surroundings.
const LINE_ZOOMS = [1, 1.25, 1.6, 2, 2.5, 3.2, 4];

class RowTools {
  // `desk`: {page(), act(name)}: `act` does what the key of that name does.
  constructor(desk) {
    const { h, icon } = window.htr;
    this.desk = desk;
    const button = (words, title, act) => h("button", { type: "button", title, "aria-label": title, onclick: act, onpointerdown: (event) => event.preventDefault() }, words);
    this.context = button(t`Around`, t`Show the line within its neighbours`, () => this.toggleContext());
    this.element = h("span", { class: "row-tools", role: "toolbar", "aria-label": t`This line` },
      button("Ω", t`Special characters and abbreviations`, () => desk.act("palette")),
      button(t`Versions`, t`Versions of the line`, () => desk.act("history")),
      button(t`Replace`, t`Find and replace in the document`, () => desk.act("replace")),
      button(icon("link"), t`Copy the link to this line`, () => desk.act("link")),
      button("−", t`Smaller line`, () => this.zoom(-1)), button("+", t`Larger line`, () => this.zoom(1)), this.context);
  }

  // Moves the tools to the row that has become the current one.
  show(row) {
    row.saved.before(this.element);
    this.apply(row);
  }

  apply(row) {
    const { preference } = window.htr;
    row.element.style.setProperty("--line-zoom", preference("lineZoom"));
    row.resize();
    const around = preference("context");
    this.context.setAttribute("aria-pressed", String(around));
    row.showContext(around ? this.desk.page() : null);
    row.keepCaretInView();
  }

  zoom(by) {
    const { preference, setPreference } = window.htr;
    const at = LINE_ZOOMS.findIndex((zoom) => zoom >= preference("lineZoom"));
    setPreference("lineZoom", LINE_ZOOMS[Math.max(0, Math.min(LINE_ZOOMS.length - 1, at + by))]);
  }

  toggleContext() {
    window.htr.setPreference("context", !window.htr.preference("context"));
  }
}
