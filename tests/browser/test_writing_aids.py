"""Special characters, abbreviations, versions of a line, find and replace, rules of writing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server
from tests.browser.lines import KnownPage, LineDesk, page_of_six_lines, shown
from tests.browser.pages import field, wait_saved

pytestmark = pytest.mark.browser


@pytest.fixture
def page(server: Server) -> KnownPage:
    return page_of_six_lines(server)


def test_palette_learns_what_is_used(tab, server: Server, page: KnownPage) -> None:
    LineDesk(tab, server, page)
    field(tab, 1).fill("")
    tab.keyboard.press("Alt+c")
    tab.locator(".palette .character", has_text="℔").first.click()
    assert field(tab, 1).evaluate("field => field === document.activeElement")
    tab.keyboard.type(" ")
    tab.keyboard.press("Alt+c")
    tab.keyboard.press("1")  # the most used one
    tab.keyboard.press("Enter")
    wait_saved(tab, 1)
    assert shown(server, page)[0].text == "℔ ℔"


def test_abbreviation_expands_and_backspace_takes_it_back(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    tab.keyboard.press("Alt+c")
    tab.get_by_label("Abbreviations that expand").fill("ds = dans\nlad = ladite")
    tab.keyboard.press("Escape")
    field(tab, 1).fill("")
    tab.keyboard.type("ds lad, mds ds ")
    expect(field(tab, 1)).to_have_value("dans ladite, mds dans ")
    tab.keyboard.press("Backspace")
    tab.keyboard.type("x")
    wait_saved(tab, 1)
    assert shown(server, page)[0].text == "dans ladite, mds ds x"


def test_versions_tell_who_changed_what_and_any_is_put_back(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    for text in ("machine one", "machine <b>two</b>"):
        field(tab, 1).fill(text)
        wait_saved(tab, 1)
    tab.keyboard.press("Alt+h")
    entries = tab.locator(".versions li")
    entries.nth(2).wait_for()
    assert "tester · corrected" in entries.nth(1).inner_text()
    assert entries.nth(1).locator("ins").all_inner_texts() == ["one"]
    assert "read by machine" in entries.nth(2).inner_text()
    expect(tab.locator(".versions b b")).to_have_count(0)
    entries.nth(1).get_by_role("button", name="Put back").click()
    wait_saved(tab, 1)
    assert shown(server, page)[0].text == "machine one"
    tab.keyboard.press("Control+z")
    tab.wait_for_function(
        "() => document.querySelector('.row textarea').value === 'machine <b>two</b>'"
    )


def test_replacement_is_shown_first_and_undone_as_one_step(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    for _ in range(3):
        tab.keyboard.press("Enter")
    wait_saved(tab, 3)
    tab.keyboard.press("Alt+r")
    tab.get_by_label("Find", exact=True).fill("machine")
    tab.get_by_label("Replace by").fill("main")
    tab.get_by_role("button", name="Show what would change").click()
    tab.get_by_text("3 lines would change").wait_for()
    tab.locator(".findings input").nth(1).uncheck()
    tab.get_by_role("button", name="Change 2 lines").click()
    tab.get_by_text("2 lines changed.").wait_for()
    assert [line.text for line in shown(server, page)][:3] == ["main 1", "machine 2", "main 3"]
    expect(field(tab, 1)).to_have_value("main 1")
    tab.get_by_role("button", name="Undo", exact=True).locator("visible=true").click()
    tab.wait_for_function("() => document.querySelector('.row textarea').value === 'machine 1'")
    texts = [line.text for line in shown(server, page)][:3]
    assert texts == ["machine 1", "machine 2", "machine 3"]


def test_rules_of_writing_are_applied_when_a_line_is_accepted_and_told(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    tab.keyboard.press("Alt+r")
    tab.get_by_label("Quotation marks").select_option("curly")
    tab.get_by_label("Spaces").select_option("single")
    tab.get_by_role("button", name="Keep the rules").click()
    tab.get_by_text("No line would change.").wait_for()
    tab.get_by_role("button", name="Close", exact=True).locator("visible=true").click()
    field(tab, 1).fill('il  dit "oui" ')
    wait_saved(tab, 1)
    assert shown(server, page)[0].text == 'il  dit "oui" '  # still being written
    tab.keyboard.press("Enter")
    tab.get_by_text("written by the rules of this document").wait_for()
    expect(field(tab, 1)).to_have_value("il dit “oui”")
    assert shown(server, page)[0].text == "il dit “oui”"
