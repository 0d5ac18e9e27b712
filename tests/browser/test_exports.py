"""Taking pages along from the desk, a document and the library, in a real browser."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from exchange import PageDocument, Tag, TextLine, write_tei
from tests.browser.conftest import Server, open_app
from tests.browser.pages import add_files, drawn_page, field, open_first_page, wait_saved

pytestmark = pytest.mark.browser


def ask_export(tab, place: str) -> None:
    """Ask for the export of that place; the place left a moment ago has such a button, too."""
    tab.locator(f'.place[data-place="{place}"] button.export').click()


def test_export_from_desk_document_and_library(tab, empty_server: Server, tmp_path: Path) -> None:
    open_app(tab, empty_server)
    drawn_page(tmp_path / "letter.png", lines=3)
    add_files(tab, [tmp_path / "letter.png"])
    open_first_page(tab)
    field(tab, 1).fill("dear <i>friend</i>")
    wait_saved(tab, 1)

    ask_export(tab, "desk")
    dialog = tab.locator("dialog.export-dialog")
    dialog.get_by_label("line 1 only").check()
    with tab.expect_download() as waiting:
        dialog.locator(".start").click()
    assert waiting.value.suggested_filename == "letter, page 1, line 1.txt"
    assert Path(waiting.value.path()).read_text() == "dear <i>friend</i>\n"
    dialog.get_by_role("button", name="Close").click()

    tab.locator(".page-bar .crumb").click()
    ask_export(tab, "document")
    dialog.get_by_label("Format").select_option("page")
    dialog.get_by_label("with the page images").check()
    with tab.expect_download() as waiting:
        dialog.locator(".start").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert archive.namelist() == ["letter.png", "letter.xml", "mets.xml"]
    dialog.locator(".run").nth(1).wait_for()  # the file of before is still there
    tab.screenshot(path=tmp_path / "export.png")
    tab.keyboard.press("Escape")

    tab.locator(".crumb:visible").click()
    ask_export(tab, "library")
    dialog.get_by_label("Format").select_option("kraken")
    expect(dialog.get_by_label("with the page images")).to_be_disabled()
    expect(dialog.get_by_label("Text")).to_have_value("human")
    dialog.get_by_label("Format").select_option("labels")
    with tab.expect_download() as waiting:
        dialog.locator(".start").click()
    assert waiting.value.suggested_filename == "Library.zip"


def test_tei_is_a_text_to_read_in_a_browser(browser, tmp_path: Path) -> None:
    tags = (Tag("person", (("offset", "0"), ("length", "5"))),)
    texts = ["Marie Curie", "was ⟦not⟧ here", "in ⟨the⟩ [...] year", "& <b>1903</b>"]
    lines = tuple(
        TextLine(
            f"l{n}", ((10.0, 30.0 * n), (90.0, 30.0 * n)), (), text, tags=tags if not n else ()
        )
        for n, text in enumerate(texts)
    )
    pages = [PageDocument(f"{n}.jpg", 100, 150, lines) for n in (1, 2)]
    path = tmp_path / "letters.tei.xml"
    path.write_bytes(write_tei(pages, "Letters", datetime(2026, 1, 31, tzinfo=UTC)))
    context = browser.new_context(viewport={"width": 900, "height": 620})
    tab = context.new_page()
    tab.goto(path.as_uri())
    tab.screenshot(path=tmp_path / "tei.png")
    look = "(element, name) => getComputedStyle(element)[name]"
    expect(tab.locator("lb")).to_have_count(8)
    assert tab.locator("del").first.evaluate(look, "textDecorationLine") == "line-through"
    expect(tab.locator("teiHeader")).to_be_hidden()
    boxes = [tab.locator("lb").nth(n).bounding_box() for n in (0, 1)]
    assert boxes[1]["y"] > boxes[0]["y"]
    shown = tab.evaluate("document.querySelector('text').textContent")
    assert "& <b>1903</b>" in shown and "⟦" not in shown
    context.close()
