"""The language model in the box: built and switched on by one click, and read with."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from htr.metrics import cer
from tests.browser.conftest import Server, open_app
from tests.browser.pages import add_files, drawn_page, field, open_first_page

pytestmark = pytest.mark.browser


def texts_of_page(tab) -> list[str]:
    """Return the text of every line of the page on the desk."""
    count = tab.locator(".row").count()
    return [field(tab, number).input_value() for number in range(1, count + 1)]


def test_language_model_in_the_box_is_switched_on_and_reads_a_page_again(
    tab, empty_server: Server, tmp_path: Path
) -> None:
    open_app(tab, empty_server)
    texts = drawn_page(tmp_path / "letter.png")
    add_files(tab, [tmp_path / "letter.png"])
    open_first_page(tab)
    desk = tab.url
    expect(tab.get_by_role("button", name="Read again")).to_have_count(0)
    field(tab, 1).fill("A line that a person wrote")
    field(tab, 1).press("Enter")
    tab.get_by_role("link", name="Train").click()
    row = tab.locator(".language-row")
    row.get_by_text("There is none yet.").wait_for()
    row.get_by_label("Read with it").check()
    row.get_by_text("Built from the French and English in the box").wait_for()
    expect(row.get_by_label("Read with it")).to_be_checked()
    tab.goto(desk)
    tab.get_by_role("button", name="Read again").click()
    tab.get_by_text("What people wrote is as it was.").or_(
        tab.get_by_text("reads every line as before.")
    ).wait_for()
    expect(tab.get_by_role("button", name="Read again")).to_have_count(0)
    read = texts_of_page(tab)
    assert read[0] == "A line that a person wrote"
    assert cer([" ".join(texts[1:])], [" ".join(read[1:])]) < 0.25
    tab.get_by_role("link", name="Settings").click()
    switch = tab.locator(".block.language").get_by_label("Read with it")
    expect(switch).to_be_checked()
    switch.uncheck()
    tab.goto(empty_server.address + "/#/document/1")
    tab.get_by_text("1 page was read with the language model, which is not in use now.").wait_for()
    tab.get_by_role("button", name="Read it again").click()
    expect(tab.locator(".other-model")).to_be_hidden()
