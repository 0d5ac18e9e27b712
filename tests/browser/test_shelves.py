"""The shelves in a real browser: pages put into order, moved, binned and brought back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server
from tests.browser.pages import add_files, drawn_page, open_first_page

pytestmark = pytest.mark.browser


def wait_names(tab, wanted: str) -> None:
    tab.wait_for_function(
        """wanted => [...document.querySelectorAll('.place[data-place="document"] .card a.title')]
        .map(title => title.getAttribute('title')[0]).join('') === wanted""",
        arg=wanted,
    )


@pytest.fixture
def three_pages(tab, tmp_path: Path):
    paths = [tmp_path / f"{name} page.png" for name in "abc"]
    for seed, path in enumerate(paths):
        drawn_page(path, seed=seed + 40, lines=3)
    add_files(tab, paths)
    wait_names(tab, "abc")
    return tab


def test_pages_are_reordered_by_keyboard_and_by_dragging_and_undone(
    three_pages, server: Server
) -> None:
    tab = three_pages
    tab.get_by_role("button", name="Move page 1:").focus()
    tab.keyboard.press("ArrowRight")
    wait_names(tab, "bac")
    tab.wait_for_function("document.activeElement.classList.contains('grip')")
    tab.keyboard.press("End")
    wait_names(tab, "bca")
    cards = tab.locator('.place[data-place="document"] .card')
    cards.nth(2).drag_to(cards.nth(0), target_position={"x": 12, "y": 120})
    wait_names(tab, "abc")
    tab.locator(".htr-message button", has_text="Undo").last.click()
    wait_names(tab, "bca")


def test_chosen_pages_move_to_a_new_document_and_come_back(three_pages, server: Server) -> None:
    tab = three_pages
    tab.get_by_role("checkbox", name="Choose page 1").check()
    tab.get_by_role("checkbox", name="Choose page 3").check()
    tab.get_by_role("button", name="Move…").click()
    tab.locator(".move-dialog select").select_option(label="a new document")
    tab.get_by_role("textbox", name="Its title").fill("Moved <b>away</b>")
    tab.get_by_role("button", name="Move", exact=True).click()
    wait_names(tab, "b")
    tab.get_by_text("2 pages are in “Moved <b>away</b>” now.").wait_for()
    tab.get_by_role("button", name="Undo").click()
    wait_names(tab, "abc")


def test_pages_are_shown_by_how_far_they_are(three_pages, server: Server) -> None:
    tab = three_pages
    open_first_page(tab)
    for _ in range(3):
        tab.keyboard.press("Enter")
    tab.locator('.saved-mark[data-state="saved"]').wait_for()
    tab.go_back()
    cards = tab.locator('.place[data-place="document"] .card:visible')
    choice = tab.get_by_label("Show only").locator("visible=true")
    choice.select_option(label="not begun (2)")
    assert [title[0] for title in cards.locator("a.title").all_inner_texts()] == ["2", "3"]
    tab.get_by_role("checkbox", name="Choose page 2").check()
    tab.get_by_role("button", name="Choose all").click()
    tab.get_by_text("2 pages chosen").wait_for()  # what is out of sight is not meant
    choice.select_option(label="all lines checked (1)")
    assert [title[0] for title in cards.locator("a.title").all_inner_texts()] == ["1"]
    expect(tab.locator(".chosen-bar")).to_be_hidden()
    choice.select_option(label="all 3 pages")
    expect(cards).to_have_count(3)


def test_binned_page_is_restored_from_the_bin(three_pages, server: Server) -> None:
    tab = three_pages
    tab.get_by_role("button", name="Remove page 2").click()
    wait_names(tab, "ac")
    address = tab.url
    tab.get_by_role("link", name="Library").first.click()
    tab.get_by_role("link", name="Bin (").click()
    tab.get_by_role("button", name="Restore b page.png").click()
    tab.get_by_text("Page “b page.png” is back.").wait_for()
    tab.goto(address)
    wait_names(tab, "abc")


def test_queue_is_paused_and_goes_on(tab, server: Server, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for seed, path in enumerate(paths):
        drawn_page(path, seed=seed + 60, lines=3)
    add_files(tab, paths)
    pause = tab.locator('.place[data-place="document"] .queue .pause')
    pause.click()
    tab.get_by_text("Paused:").last.wait_for()
    tab.reload()
    tab.get_by_text("Paused:").last.wait_for()
    tab.locator('.place[data-place="document"] .queue .pause').click()
    tab.locator('.place[data-place="document"] .card').nth(2).get_by_text("to check").wait_for(
        timeout=60_000
    )


def test_page_is_turned_and_cropped_and_comes_back(three_pages, server: Server) -> None:
    tab = three_pages
    tab.wait_for_function(
        """() => [...document.querySelectorAll('.place[data-place="document"] .card')]
        .every(card => /to check|checked|no text/.test(card.textContent))""",
        timeout=60_000,
    )
    image = tab.locator('.place[data-place="document"] .card img').first
    before = image.get_attribute("src")
    tab.get_by_role("checkbox", name="Choose page 1").check()
    tab.get_by_role("button", name="Crop…").click()
    tab.wait_for_function("document.querySelector('.crop-sheet img').naturalWidth > 0")
    sheet = tab.locator(".crop-sheet").bounding_box()
    tab.mouse.move(sheet["x"] + 5, sheet["y"] + 5)
    tab.mouse.down()
    tab.mouse.move(sheet["x"] + sheet["width"] - 6, sheet["y"] + sheet["height"] - 4, steps=4)
    tab.mouse.up()
    tab.get_by_role("button", name="Crop", exact=True).click()
    tab.get_by_text("Page 1 was cropped; its lines followed.").wait_for()
    expect(image).not_to_have_attribute("src", before)
    tab.locator(".htr-message button", has_text="Undo").last.click()
    tab.wait_for_function(
        "src => document.querySelector('.place[data-place=\"document\"] .card img')"
        ".getAttribute('src') === src",
        arg=before,
    )
    tab.get_by_role("button", name="Turn right").click()
    tab.get_by_text("1 page was turned.").wait_for()
    expect(image).not_to_have_attribute("src", before)
