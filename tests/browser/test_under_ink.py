"""Text under its ink: each word stands where it is written, and typing goes on as in any field."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import storage
from tests.browser.conftest import Server
from tests.browser.lines import KnownPage, LineDesk, page_of_six_lines, shown
from tests.browser.pages import field, wait_saved

pytestmark = pytest.mark.browser

TEXT = "Mon cher amy"
# Where each character stands, in shares of the line's image.
SPANS = [
    (0.05, 0.09), (0.09, 0.13), (0.13, 0.17), (0.17, 0.40), (0.40, 0.44), (0.44, 0.48),
    (0.48, 0.52), (0.52, 0.56), (0.56, 0.80), (0.80, 0.84), (0.84, 0.88), (0.88, 0.92),
]  # fmt: skip


def read_line(server: Server, line_id: int, text: str = TEXT, doubtful: str = "") -> None:
    """Store a reading whose characters stand at SPANS of an image 1000 px wide."""
    characters = [
        storage.ReadCharacter(
            c,
            0.2 if c in doubtful else 0.95,
            1000 * start,
            1000 * end,
            (("k", 0.15), ("", 0.1)) if c in doubtful else (),
        )
        for c, (start, end) in zip(text, SPANS, strict=True)
    ]
    reading = storage.NewReading(text, 0.9, tuple(characters), 1000.0)
    with storage.open_store(server.data_dir, check=False) as store:
        model = storage.current_model(store)
        assert model is not None
        storage.add_readings(store, model.id, {line_id: reading})


@pytest.fixture
def page(server: Server) -> KnownPage:
    known = page_of_six_lines(server)
    read_line(server, known.line_ids[0], doubtful="ch")
    return known


def word_starts(tab) -> dict[str, float]:
    """Where each word of the first line begins, in shares of the width of its image."""
    return tab.evaluate(
        """() => {
            const row = document.querySelector('.desk .row');
            const strip = row.querySelector('.strip').getBoundingClientRect();
            const words = [...row.querySelectorAll('.mirror > span')]
                .filter(word => word.textContent.trim());
            const start = word => word.getBoundingClientRect().left - strip.left;
            return Object.fromEntries(
                words.map(word => [word.textContent, start(word) / strip.width]));
        }"""
    )


def settled_starts(tab) -> dict[str, float]:
    """The same, once fonts and widths have come to rest: words are placed anew when they change."""
    starts = word_starts(tab)
    for _ in range(20):
        tab.wait_for_timeout(250)
        before, starts = starts, word_starts(tab)
        if starts == before:
            break
    return starts


def test_each_word_stands_under_its_ink_and_stays_there_while_typing(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    tab.locator(".row.current .field.placed").wait_for()
    starts = settled_starts(tab)
    assert starts == pytest.approx({"Mon": 0.05, "cher": 0.40, "amy": 0.80}, abs=0.01)
    tab.keyboard.press("Home")
    tab.keyboard.type("a")  # aMon: the words after it do not move
    wait_saved(tab, 1)
    now = word_starts(tab)
    assert now["cher"] == pytest.approx(starts["cher"], abs=0.002)
    assert now["amy"] == pytest.approx(starts["amy"], abs=0.002)
    assert shown(server, page)[0].text == "aMon cher amy"


def test_click_and_drag_in_the_text_reach_the_letters_that_are_seen(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    tab.locator(".row.current .field.placed").wait_for()
    box = tab.locator(".row.current .strip").bounding_box()
    y = tab.locator(".row.current .field").bounding_box()["y"] + 12
    tab.mouse.click(box["x"] + 0.401 * box["width"], y)
    selected = "field => [field.selectionStart, field.selectionEnd]"
    assert field(tab, 1).evaluate(selected) == [4, 4]
    caret = tab.locator(".row.current .caret").bounding_box()
    assert caret["x"] == pytest.approx(box["x"] + 0.40 * box["width"], abs=4)
    tab.mouse.dblclick(box["x"] + 0.82 * box["width"], y)
    assert field(tab, 1).evaluate(selected) == [9, 12]
    tab.keyboard.type("amie")
    expect(field(tab, 1)).to_have_value("Mon cher amie")


def test_doubtful_characters_are_marked_in_text_and_image_until_the_line_is_decided(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    row = tab.locator(".row").first
    row.locator(".spot").nth(1).wait_for()
    assert row.locator(".mirror .doubt").all_inner_texts() == ["ch"]
    expect(row.locator(".spot")).to_have_count(2)
    tab.keyboard.press("Enter")
    wait_saved(tab, 1)
    assert row.locator(".spot").count() == row.locator(".mirror .doubt").count() == 0


def test_line_is_enlarged_and_shown_within_its_neighbours(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    strip = tab.locator(".row.current .strip")
    before = strip.bounding_box()
    tab.get_by_role("button", name="Larger line").click()
    assert strip.bounding_box()["width"] > 1.2 * before["width"]
    assert field(tab, 1).evaluate("field => field === document.activeElement")
    tab.get_by_role("button", name="Smaller line").click()
    tab.get_by_role("button", name="Show the line within its neighbours").click()
    around = strip.locator(".around img")
    around.wait_for()
    assert strip.bounding_box()["height"] > 2 * before["height"]
    tab.keyboard.press("Enter")  # the next line has it too, and only that one
    expect(tab.locator(".around")).to_have_count(1)


def test_text_from_right_to_left_is_shown_plainly(tab, server: Server, page: KnownPage) -> None:
    read_line(server, page.line_ids[0], "שלום עולם אב")
    LineDesk(tab, server, page)
    expect(tab.locator(".row.current .field.placed")).to_have_count(0)
    assert field(tab, 1).evaluate("field => getComputedStyle(field).direction") == "rtl"
    field(tab, 1).fill("שלום abc עולם")
    wait_saved(tab, 1)
    assert shown(server, page)[0].text == "שלום abc עולם"


def test_digit_picks_what_else_a_doubtful_character_may_be(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    tab.locator(".row.current .field.placed").wait_for()
    tab.keyboard.press("Tab")  # to the first doubt
    assert tab.locator(".others").inner_text().split() == (
        ["c", "20", "%,", "or", "1", "k", "15", "%", "2", "nothing", "10", "%"]
    )
    tab.keyboard.press("1")  # k for c; the h after it is next
    expect(field(tab, 1)).to_have_value("Mon kher amy")
    tab.keyboard.press("2")
    expect(field(tab, 1)).to_have_value("Mon ker amy")
    tab.keyboard.type("2")  # no choice is left: a digit is a digit
    wait_saved(tab, 1)
    assert shown(server, page)[0].text == "Mon k2er amy"


def test_pointer_over_a_doubtful_character_shows_what_else_it_may_be(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    tab.locator(".row.current .field.placed").wait_for()
    box = tab.locator(".row.current .field").bounding_box()
    ink = tab.locator(".row.current .strip").bounding_box()
    tab.mouse.move(ink["x"] + 0.46 * ink["width"], box["y"] + 14)
    tab.locator(".others button", has_text="k").click()
    expect(field(tab, 1)).to_have_value("Mon cker amy")


def test_input_methods_compose_in_place(tab, server: Server, page: KnownPage) -> None:
    LineDesk(tab, server, page)
    tab.locator(".row.current .field.placed").wait_for()
    tab.keyboard.press("Home")
    browser = tab.context.new_cdp_session(tab)
    composing = {"text": "にほ", "selectionStart": 2, "selectionEnd": 2}
    browser.send("Input.imeSetComposition", composing)
    expect(tab.locator(".row.current .composing")).to_have_text("にほ")
    browser.send("Input.insertText", {"text": "日本"})
    wait_saved(tab, 1)
    assert shown(server, page)[0].text == "日本Mon cher amy"
    expect(tab.locator(".row.current .composing")).to_have_count(0)


def test_medieval_characters_have_a_font_that_comes_along(
    tab, server: Server, page: KnownPage
) -> None:
    LineDesk(tab, server, page)
    field(tab, 1).fill("ꝑ ꝯ \ue665 ⁊")
    tab.wait_for_function("() => document.fonts.check('20px \"HTR Junicode\"', '\\ue665')")
    assert tab.request.get(f"{server.address}/files/fonts/junicode.woff2").status == 200
    assert field(tab, 1).get_attribute("spellcheck") == "false"
