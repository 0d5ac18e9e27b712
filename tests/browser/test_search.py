"""The search in a real browser: from a typed word to the line on the desk."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server
from tests.browser.pages import add_files, drawn_page, field, open_first_page, wait_saved

pytestmark = pytest.mark.browser


def test_word_just_written_is_found_lit_and_opened_on_the_desk(
    tab, server: Server, tmp_path: Path
) -> None:
    drawn_page(tmp_path / "letter.png")
    add_files(tab, [tmp_path / "letter.png"])
    open_first_page(tab)
    field(tab, 2).fill("an Überfülle <i>of</i> quinces")
    wait_saved(tab, 2)
    line = tab.locator(".row").nth(1).get_attribute("data-line")

    tab.get_by_role("link", name="Search").first.click()
    tab.get_by_role("textbox", name="Words to look for").fill("quinceberg")
    tab.get_by_text("Nothing found").wait_for()
    tab.get_by_role("textbox", name="Words to look for").fill("uberfulle quince")
    hit = tab.locator(f'.hit[data-line="{line}"]')
    hit.wait_for()
    assert hit.locator("mark").all_inner_texts() == ["Überfülle", "quinces"]
    expect(hit.locator(".words i")).to_have_count(0)
    image, lit = hit.locator("img").bounding_box(), hit.locator(".lit").first.bounding_box()
    assert image["x"] <= lit["x"] < lit["x"] + lit["width"] <= image["x"] + image["width"] + 1
    tab.reload()
    hit.wait_for()
    hit.click()
    tab.locator(f'.row.current[data-line="{line}"] textarea:focus').wait_for()
