"""Queues on the desk: which line comes next, across the pages of the document, and what is left."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

import storage
from synthesis.example import encode_png
from tests.browser.conftest import Server
from tests.browser.lines import (
    KnownPage,
    LineDesk,
    box,
    page_of_many_lines,
    page_of_six_lines,
    shown,
)
from tests.browser.pages import wait_saved

pytestmark = pytest.mark.browser


def add_second_page(server: Server, page: KnownPage) -> list[int]:
    """Put a page of two lines into the same document; return the numbers of its lines."""
    pixels = np.full((300, 900, 3), 240, np.uint8)
    baselines = [((40.0, y), (800.0, y)) for y in (100.0, 200.0)]
    with storage.open_store(server.data_dir, check=False) as store:
        model = storage.current_model(store)
        first = storage.page(store, page.id)
        assert model is not None
        image = encode_png(pixels)
        other = storage.add_page(store, first.document_id, "two", image, "png", 900, 300)
        new = [
            storage.NewLine(
                line, box(line, 60.0), 60.0, reading=storage.NewReading(f"zweite {number}", sure)
            )
            for number, (line, sure) in enumerate(zip(baselines, (0.1, 0.95), strict=True), 1)
        ]
        return storage.replace_lines(store, other.id, new, model.id)


def test_most_doubtful_lines_come_first_across_pages(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    second = add_second_page(server, page)
    LineDesk(tab, server, page)
    tab.get_by_label("Which lines come next").select_option("doubtful")
    tab.locator(f'.row.current[data-line="{second[0]}"] textarea:focus').wait_for()
    expect(tab.locator(".line-bar .left")).to_have_text("8 of 8 left in the document")
    tab.keyboard.press("Enter")
    # All others are surer; the next of them is on the first page again.
    tab.locator(f'.row.current[data-line="{page.line_ids[0]}"] textarea:focus').wait_for()
    expect(tab.locator(".line-bar .left")).to_have_text("7 of 8 left in the document")
    tab.keyboard.press("Shift+Enter")
    tab.locator(f'.row.current[data-line="{second[0]}"] textarea:focus').wait_for()


def test_only_lines_with_a_word_or_not_yet_seen_come(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    second = add_second_page(server, page)
    LineDesk(tab, server, page)
    tab.get_by_label("Which lines come next").select_option("contains")
    word = tab.get_by_label("Character or word that the lines contain")
    word.fill("CHINE 4")
    word.press("Enter")
    tab.locator(f'.row.current[data-line="{page.line_ids[3]}"] textarea:focus').wait_for()
    expect(tab.locator(".line-bar .left")).to_have_text("1 of 1 left in the document")
    expect(tab.locator(".row.passed-over")).to_have_count(5)
    tab.keyboard.press("Enter")
    tab.get_by_text("That was the last line of this queue.").wait_for()
    wait_saved(tab, 4)
    assert shown(server, page)[3].status == "confirmed"
    tab.get_by_label("Which lines come next").select_option("unseen")
    # Lines 1 and 4 were on the desk; 4 is decided as well.
    tab.locator(f'.row.current[data-line="{page.line_ids[1]}"] textarea:focus').wait_for()
    expect(tab.locator(".line-bar .left")).to_have_text("6 of 6 left in the document")
    assert len(second) == 2


def test_only_undecided_lines_that_two_models_read_differently_come(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    with storage.open_store(server.data_dir, check=False) as store:
        current = storage.current_model(store)
        assert current is not None
        other = storage.register_model(store, b"other weights", "another", current.alphabet)
        readings = {2: "machine 2", 3: "maschine 3", 5: "mach1ne 5"}
        storage.add_readings(
            store,
            other.id,
            {
                page.line_ids[number - 1]: storage.NewReading(text, 0.5)
                for number, text in readings.items()
            },
        )
        storage.correct_line(store, page.line_ids[4], "decided", "corrected", "a person", None)
    LineDesk(tab, server, page)
    tab.get_by_label("Which lines come next").select_option("disagree")
    # Of the lines that both have read, 2 is read alike and 5 is decided.
    tab.locator(f'.row.current[data-line="{page.line_ids[2]}"] textarea:focus').wait_for()
    expect(tab.locator(".line-bar .left")).to_have_text("1 of 1 left in the document")
    with storage.open_store(server.data_dir, check=False) as store:
        storage.remove_model(store, other.id)


def test_pace_is_told_once_a_few_lines_are_decided(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    tab.clock.install(time="2026-01-01T08:00:00")
    LineDesk(tab, server, page)
    tab.clock.pause_at("2026-01-01T09:00:00")
    pace = tab.locator(".line-bar .pace")
    for _ in range(4):
        tab.clock.run_for(6_000)
        tab.keyboard.press("Enter")
    expect(pace).to_have_text("")  # three times between four lines are too few to tell
    tab.clock.run_for(6_000)
    tab.keyboard.press("Enter")
    expect(pace).to_have_text("10 lines a minute, about 1 minute left")


def test_link_to_a_line_is_copied_and_opens_it(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    LineDesk(tab, server, page)
    tab.keyboard.press("Enter")
    tab.keyboard.press("Alt+L")
    tab.get_by_text("The link is copied.").wait_for()
    link = tab.evaluate("navigator.clipboard.readText()")
    assert link == f"{server.address}/#/page/{page.id}/line/{page.line_ids[1]}"
    tab.goto("about:blank")
    tab.goto(link)
    tab.locator(f'.row.current[data-line="{page.line_ids[1]}"] textarea:focus').wait_for()
    expect(tab.get_by_role("button", name="Copy the link to this line")).to_be_visible()


def test_page_of_three_hundred_lines_opens_and_takes_keys(
    tab, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    page = page_of_many_lines(server, 300)
    opened_ms = tab.evaluate(
        """page => new Promise(done => {
            const began = performance.now();
            location.hash = `#/page/${page}`;
            const look = () => document.querySelector('.row.current textarea:focus')
                ? done(performance.now() - began) : requestAnimationFrame(look);
            look();
        })""",
        page.id,
    )
    tab.locator(".row").nth(299).wait_for(state="attached")
    typed_ms = tab.evaluate(
        """() => {
            const field = document.querySelector('.row.current textarea');
            const times = [];
            for (let n = 0; n < 50; n += 1) {
                const began = performance.now();
                field.setRangeText('x', 0, 0, 'end');
                field.dispatchEvent(new InputEvent('input', { bubbles: true, data: 'x' }));
                times.push(performance.now() - began);
            }
            return times.sort((a, b) => a - b);
        }"""
    )
    with capsys.disabled():
        print(
            f"\n300 lines: open after {opened_ms:.0f} ms; a key takes {typed_ms[25]:.1f} ms, "
            f"the slowest of 50 {typed_ms[-1]:.1f} ms"
        )
    wait_saved(tab, 1)
    assert shown(server, page)[0].text == "x" * 50 + "machine 1"
