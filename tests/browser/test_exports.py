"""Taking pages along from the desk, a document and the library, in a real browser."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.browser.conftest import Server, open_app
from tests.browser.pages import add_files, drawn_page, field, open_first_page, wait_saved

pytestmark = pytest.mark.browser


def test_export_from_desk_document_and_library(tab, empty_server: Server, tmp_path: Path) -> None:
    open_app(tab, empty_server)
    drawn_page(tmp_path / "letter.png", lines=3)
    add_files(tab, [tmp_path / "letter.png"])
    open_first_page(tab)
    field(tab, 1).fill("dear <i>friend</i>")
    wait_saved(tab, 1)

    tab.get_by_role("button", name="Export").click()
    dialog = tab.locator("dialog.export-dialog")
    dialog.get_by_label("line 1 only").check()
    with tab.expect_download() as waiting:
        dialog.locator(".start").click()
    assert waiting.value.suggested_filename == "letter, page 1, line 1.txt"
    assert Path(waiting.value.path()).read_text() == "dear <i>friend</i>\n"
    dialog.get_by_role("button", name="Close").click()

    tab.locator(".page-bar .crumb").click()
    tab.get_by_role("button", name="Export").click()
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
    tab.get_by_role("button", name="Export").click()
    dialog.get_by_label("Format").select_option("kraken")
    assert dialog.get_by_label("with the page images").is_disabled()
    assert dialog.get_by_label("Text").input_value() == "human"
    dialog.get_by_label("Format").select_option("labels")
    with tab.expect_download() as waiting:
        dialog.locator(".start").click()
    assert waiting.value.suggested_filename == "Library.zip"
