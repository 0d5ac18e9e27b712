"""The keyboard of the desk: marks, statuses, undo across lines, keys that can be changed."""

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


def focused(tab) -> str:
    return tab.evaluate("() => document.activeElement.getAttribute('aria-label')")


def statuses(tab) -> list[str]:
    return tab.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.status)")


def test_undo_and_redo_go_across_lines_and_on_after_a_reload(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    field(tab, 1).fill("first")
    tab.keyboard.press("Enter")
    field(tab, 2).fill("second")
    tab.keyboard.press("Enter")
    wait_saved(tab, 1)
    wait_saved(tab, 2)
    tab.reload()
    tab.locator(".row.current textarea:focus").wait_for()
    tab.keyboard.press("Control+z")
    tab.wait_for_function(
        "() => document.querySelectorAll('.row textarea')[1].value === 'machine 2'"
    )
    assert focused(tab) == "Text of line 2"
    tab.keyboard.press("Control+z")
    tab.wait_for_function(
        "() => document.querySelectorAll('.row textarea')[0].value === 'machine 1'"
    )
    assert [line.text for line in shown(server, page)][:2] == ["machine 1", "machine 2"]
    tab.keyboard.press("Control+y")
    tab.wait_for_function("() => document.querySelectorAll('.row textarea')[0].value === 'first'")
    tab.keyboard.type("x")  # not saved yet: the first undo takes back just that
    tab.keyboard.press("Control+z")
    expect(field(tab, 1)).to_have_value("first")
    assert [line.text for line in shown(server, page)][:2] == ["first", "machine 2"]


def test_marks_are_written_as_the_exports_know_them(tab, server: Server, page: KnownPage) -> None:
    LineDesk(tab, server, page)
    field(tab, 1).fill("un mot raye")
    tab.keyboard.press("Alt+s")
    tab.keyboard.press("Home")
    tab.keyboard.press("Alt+u")
    expect(field(tab, 1)).to_have_value("un[?] mot ⟦raye⟧")
    tab.keyboard.press("Alt+i")
    expect(field(tab, 1)).to_have_value("un[?] [...] mot ⟦raye⟧")
    tab.keyboard.press("End")
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("Alt+s")
    wait_saved(tab, 1)
    assert shown(server, page)[0].text == "un[?] [...] mot raye"


def test_doubtful_and_no_text_stay_when_the_line_is_left(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    tab.keyboard.press("Alt+d")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Alt+x")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Enter")
    for number in (1, 2, 3):
        wait_saved(tab, number)
    assert statuses(tab)[:3] == ["doubtful", "ignored", "confirmed"]
    tab.keyboard.press("Shift+Enter")
    tab.keyboard.press("Shift+Enter")
    tab.keyboard.press("Alt+x")
    tab.wait_for_function("() => document.querySelectorAll('.row')[1].dataset.status === 'machine'")
    assert [line.status for line in shown(server, page)][:2] == ["doubtful", "machine"]


def test_keys_are_listed_and_can_be_changed_but_not_doubled(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    tab.keyboard.press("F1")
    change = tab.get_by_role("button", name="Change the key: Illegible")
    change.click()
    tab.keyboard.press("Alt+s")
    tab.get_by_text("Alt+S is taken: “Struck out").wait_for()
    change.click()
    tab.keyboard.press("g")
    tab.get_by_text("G writes a character. Take it together with Ctrl or Alt.").wait_for()
    change.click()
    tab.keyboard.press("Alt+g")
    tab.locator(".text-keys dt", has_text="AltG").or_(
        tab.locator(".text-keys dt", has_text="Alt G")
    ).first.wait_for()
    tab.get_by_role("button", name="Close", exact=True).click()
    field(tab, 1).fill("")
    tab.keyboard.press("Alt+g")
    expect(field(tab, 1)).to_have_value("[...]")
    tab.reload()
    tab.locator(".row.current textarea:focus").wait_for()
    field(tab, 2).focus()
    tab.keyboard.press("End")
    tab.keyboard.press("Alt+g")
    expect(field(tab, 2)).to_have_value("machine 2 [...]")
