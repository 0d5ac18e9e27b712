"""The line editor in a real browser: every act, its undo, and what happens when things go wrong."""

from __future__ import annotations

import statistics

import pytest
from playwright.sync_api import expect

import storage
from tests.browser.conftest import ARTEFACTS, Server
from tests.browser.lines import (
    KnownPage,
    LineDesk,
    middle,
    page_of_many_lines,
    page_of_six_lines,
    shown,
)
from tests.browser.pages import field, wait_saved
from tests.browser.screencast import Screencast

pytestmark = pytest.mark.browser


def test_recorded_session_draws_splits_merges_reorders_undoes_and_reloads(
    tab, server: Server
) -> None:
    film = Screencast(tab)
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    desk.edit()

    tab.keyboard.press("d")  # draw
    desk.click((100, 600))
    desk.click((400, 605))
    desk.double_click((700, 600))
    desk.wait_rows(7)
    desk.wait_saved()
    drawn = shown(server, page)[6].line
    assert [round(x) for x, _ in drawn.baseline] == pytest.approx([100, 400, 700], abs=2)

    tab.keyboard.press("s")  # split
    desk.click(middle(page.baselines[2]))
    desk.wait_rows(8)
    assert desk.order()[:3] == page.line_ids[:3]
    assert desk.order()[4:7] == page.line_ids[3:]

    desk.click(middle(page.baselines[0]))  # merge the first two
    tab.keyboard.down("Shift")
    desk.click(middle(page.baselines[1]))
    tab.keyboard.up("Shift")
    assert desk.told() == "2 lines selected"
    tab.keyboard.press("m")
    desk.wait_rows(7)
    assert desk.order()[0] == page.line_ids[0]

    handle = tab.locator(".row").nth(0).locator(".number")  # reorder by the number's handle
    target = tab.locator(".row").nth(2).bounding_box()
    handle.hover()
    tab.mouse.down()
    tab.mouse.move(target["x"] + 30, target["y"] + 5, steps=5)
    tab.mouse.up()
    tab.wait_for_function(
        "id => Number(document.querySelectorAll('.desk .row')[1].dataset.line) === id",
        arg=page.line_ids[0],
    )
    desk.wait_saved()

    for _ in range(2):  # undo the order and the merge
        tab.keyboard.press("Control+z")
    desk.wait_rows(8)
    desk.wait_saved()
    assert desk.order()[:3] == page.line_ids[:3]

    tab.reload()
    tab.locator(".row.current textarea:focus").wait_for()
    desk.edit()
    for _ in range(2):  # the split and the line: undone after a reload
        tab.keyboard.press("Control+z")
    desk.wait_rows(6)
    assert desk.order() == page.line_ids
    for _ in range(4):
        tab.keyboard.press("Control+Shift+z")
    desk.wait_rows(7)
    desk.wait_saved()
    desk.wait_read()
    assert desk.order()[1] == page.line_ids[0]
    ARTEFACTS.mkdir(exist_ok=True)
    assert film.save(ARTEFACTS / "line editor.webp") > 10


def test_point_of_a_line_is_moved_added_and_removed(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    desk.edit()
    first = page.baselines[3]
    desk.click(middle(first))
    assert desk.told() == f"line 4, {len(first)} points"
    desk.drag(first[0], (first[0][0] + 20, first[0][1] + 8))
    desk.wait_saved()
    moved = shown(server, page)[3].line
    assert moved.baseline[0] == pytest.approx((first[0][0] + 20, first[0][1] + 8), abs=2)
    assert moved.baseline[1] == pytest.approx(first[1], abs=0.1)
    desk.wait_read()
    assert desk.text(4) != "machine 4"
    assert f"{len(moved.polygon)}" != "4"  # its outline follows the ink now

    desk.double_click(middle(moved.baseline))
    tab.wait_for_function(
        "text => document.querySelector('.line-tools .chosen').textContent === text",
        arg=f"line 4, {len(first) + 1} points, point 2 selected",
    )
    tab.keyboard.press("Delete")
    desk.wait_saved()
    assert desk.told() == f"line 4, {len(first)} points"
    for _ in range(3):
        tab.keyboard.press("Control+z")
    desk.wait_saved()
    assert len(shown(server, page)[3].line.baseline) == len(first)
    tab.wait_for_function("() => document.querySelector('.line-tools [data-act=undo]').disabled")
    assert shown(server, page)[3].line.baseline[0] == pytest.approx(first[0], abs=0.1)


def test_keyboard_alone_edits_lines(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    key = tab.keyboard.press
    key("F2")  # out of the text, into the picture
    assert desk.told().startswith("line 1,")
    key("Tab")
    assert desk.told().startswith("line 2,")
    for _ in range(3):
        key("ArrowDown")
    key("Shift+ArrowRight")
    desk.wait_saved()
    before, now = page.baselines[1][0], shown(server, page)[1].line.baseline[0]
    assert now == pytest.approx((before[0] + 10, before[1] + 3), abs=0.2)
    key("n")
    key("i")
    assert "point 2 selected" in desk.told()
    key("s")  # at the selected point
    desk.wait_rows(7)
    key("x")
    key("Delete")
    desk.wait_rows(5)
    key("Control+z")
    desk.wait_rows(7)
    key("[")
    order = desk.order()
    key("Alt+ArrowUp")
    tab.wait_for_function(
        "id => Number(document.querySelectorAll('.desk .row')[5].dataset.line) === id",
        arg=order[6],
    )
    key("o")
    tab.wait_for_function(
        "id => Number(document.querySelectorAll('.desk .row')[6].dataset.line) === id",
        arg=order[6],
    )
    key("d")
    key("ArrowDown")
    key("Space")
    for _ in range(4):
        key("Shift+ArrowRight")
    key("Space")
    key("Enter")
    desk.wait_rows(8)
    key("Escape")
    key("Escape")
    key("Escape")
    key("Escape")
    tab.locator(".row.current textarea:focus").wait_for()
    expect(tab.locator(".line-tools")).to_be_hidden()


def test_selection_by_rectangle_and_of_all(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    desk.edit()
    top, third = page.baselines[0], page.baselines[2]
    tab.keyboard.press("b")
    desk.drag((20, top[0][1] - 30), (250, third[0][1] + 6))
    assert desk.told() == "Draw a rectangle over the lines to select"
    tab.keyboard.press("v")
    assert desk.told() == "3 lines selected"
    tab.keyboard.press("r")
    desk.wait_saved()
    assert shown(server, page)[0].line.baseline == top[::-1]
    tab.keyboard.press("Control+a")
    assert desk.told() == "6 lines selected"
    tab.keyboard.press("Delete")
    tab.get_by_text("No text lines were found here").wait_for()
    tab.keyboard.press("Control+z")
    desk.wait_rows(6)
    assert desk.order() == page.line_ids


def test_corrected_text_stays_when_its_line_is_moved_and_the_reading_is_offered(
    tab, server: Server
) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    field(tab, 2).fill("what a person wrote")
    wait_saved(tab, 2)
    tab.keyboard.press("F2")
    tab.keyboard.press("ArrowUp")
    desk.wait_saved()
    notice = tab.locator(".row").nth(1).locator(".notice")
    notice.get_by_text("The machine now reads").wait_for()
    expect(field(tab, 2)).to_have_value("what a person wrote")
    tab.reload()
    notice.get_by_text("The machine now reads").wait_for()
    notice.get_by_role("button", name="Keep mine").click()
    notice.wait_for(state="hidden")
    tab.reload()
    tab.locator(".row.current").wait_for()
    expect(notice).to_be_hidden()
    assert shown(server, page)[1].text == "what a person wrote"


def test_line_set_aside_is_dim_no_work_and_can_be_taken_in(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    tab.locator(".left", has_text="6 of 6 lines left").wait_for()
    desk.edit()
    tab.keyboard.press("t")  # the first line is selected
    row = tab.locator(".row.aside")
    row.wait_for()
    tab.locator(".left", has_text="5 of 5 lines left").wait_for()
    expect(tab.locator(".desk .line.aside")).to_have_count(1)
    desk.wait_saved()
    assert shown(server, page)[0].line.kind == "aside"
    tab.goto("about:blank")
    LineDesk(tab, server, page)
    assert "current" not in (row.get_attribute("class") or "")  # work begins at the next line
    row.get_by_role("button", name="Take in").click()
    row.wait_for(state="hidden")
    tab.locator(".left", has_text="6 of 6 lines left").wait_for()
    assert shown(server, page)[0].line.kind == "text"


def test_text_that_is_being_typed_stays_while_lines_change(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    desk.edit()
    field(tab, 5).click()
    tab.keyboard.type("half a wo")
    top = tab.locator(".row").nth(4).bounding_box()["y"]
    tab.keyboard.press("Alt+ArrowUp")
    tab.wait_for_function(
        "id => Number(document.querySelectorAll('.desk .row')[3].dataset.line) === id",
        arg=page.line_ids[4],
    )
    assert field(tab, 4).evaluate("field => field === document.activeElement")
    tab.keyboard.type("rd")
    assert "half a word" in field(tab, 4).input_value()
    assert tab.locator(".row").nth(3).bounding_box()["y"] == pytest.approx(top, abs=3)
    wait_saved(tab, 4)


def test_change_is_kept_while_the_server_is_away_and_saved_when_it_is_back(
    tab, server: Server
) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    desk.edit()
    desk.click(middle(page.baselines[0]))
    tab.context.set_offline(True)
    tab.keyboard.press("ArrowDown")
    tab.get_by_text("not saved: no connection, trying again").wait_for()
    tab.keyboard.press("Control+z")
    tab.keyboard.press("Control+Shift+z")
    assert shown(server, page)[0].line.baseline[0] == pytest.approx(page.baselines[0][0], abs=0.1)
    tab.context.set_offline(False)
    desk.wait_saved()
    assert shown(server, page)[0].line.baseline[0][1] == pytest.approx(
        page.baselines[0][0][1] + 1, abs=0.1
    )


def desks_of_which_one_deleted(
    tab, server: Server, page: KnownPage, number: int
) -> tuple[LineDesk, LineDesk]:
    """Two tabs on a page: in the first that line was deleted, the second does not know it."""
    desk = LineDesk(tab, server, page)
    other = LineDesk(tab.context.new_page(), server, page)
    desk.edit()
    desk.click(middle(page.baselines[number]))
    tab.keyboard.press("Delete")
    desk.wait_rows(5)
    desk.wait_saved()
    return desk, other


def test_second_tab_learns_that_the_lines_were_changed(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    _, other = desks_of_which_one_deleted(tab, server, page, 0)
    other.edit()
    other.click(middle(page.baselines[5]))
    other.tab.keyboard.press("Delete")
    other.tab.get_by_text("tester changed the lines of this page in the meantime").wait_for()
    other.wait_rows(5)
    assert other.order() == page.line_ids[1:]
    other.tab.keyboard.press("Delete")
    other.wait_rows(4)
    assert [line.line.id for line in shown(server, page)] == page.line_ids[1:5]


def test_text_of_a_line_that_another_tab_deleted_is_kept_and_its_typist_told(
    tab, server: Server
) -> None:
    page = page_of_six_lines(server)
    desk, other = desks_of_which_one_deleted(tab, server, page, 2)
    field(other.tab, 3).fill("typed too late")
    other.tab.get_by_text("“typed too late” is saved, but its line was taken off").wait_for()
    other.wait_rows(5)
    tab.keyboard.press("Control+z")
    desk.wait_rows(6)
    assert shown(server, page)[2].text == "typed too late"


def close_and_open_again(desk: LineDesk, server: Server) -> LineDesk:
    """The tab is closed while nothing can be saved, and the page opened again with a connection."""
    desk.tab.on("dialog", lambda dialog: dialog.accept())
    desk.tab.goto("about:blank")
    desk.tab.context.set_offline(False)
    return LineDesk(desk.tab, server, desk.page)


def test_changes_made_without_a_connection_outlive_the_tab(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    desk.edit()
    tab.context.set_offline(True)
    desk.click(middle(page.baselines[0]))
    tab.keyboard.press("ArrowDown")
    tab.get_by_text("not saved: no connection, trying again").wait_for()
    tab.keyboard.press("Alt+ArrowDown")  # the second in the order
    desk.click(middle(page.baselines[4]))
    tab.keyboard.press("Delete")
    desk = close_and_open_again(desk, server)
    desk.wait_rows(5)
    left = [page.line_ids[k] for k in (1, 0, 2, 3, 5)]
    assert desk.order() == left
    lines = [one.line for one in shown(server, page)]
    assert [line.id for line in lines] == left
    assert lines[1].baseline[0][1] == pytest.approx(page.baselines[0][0][1] + 1, abs=0.1)
    assert tab.evaluate("() => Object.keys(localStorage).filter(key => /lines/.test(key))") == []


def test_change_that_waited_is_not_made_in_silence_where_others_changed_the_page(
    tab, server: Server
) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    desk.edit()
    tab.context.set_offline(True)
    desk.click(middle(page.baselines[1]))
    tab.keyboard.press("Delete")
    tab.get_by_text("not saved: no connection, trying again").wait_for()
    with storage.open_store(server.data_dir, check=False) as store:
        gone = storage.LineEdit(page.line_ids[0], removed=True)
        storage.change_layout(store, page.id, [gone], "delete", "Ada", 0)
    told = "Ada changed the lines of page 1 after you did."
    for answer, rows in (("Close this message", 5), ("Make them now", 4)):
        desk = close_and_open_again(desk, server)
        desk.wait_rows(5)
        tab.get_by_text(told).wait_for()
        assert len(shown(server, page)) == 5
        tab.get_by_role("button", name=answer).click()
        desk.wait_rows(rows)
    assert [line.line.id for line in shown(server, page)] == page.line_ids[2:]


def test_text_kept_for_a_line_that_was_deleted_since_is_saved_and_its_typist_told(
    tab, server: Server
) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    tab.context.set_offline(True)
    field(tab, 3).fill("typed in the train")
    tab.get_by_text("not saved: no connection, kept on this computer").first.wait_for()
    with storage.open_store(server.data_dir, check=False) as store:
        gone = storage.LineEdit(page.line_ids[2], removed=True)
        storage.change_layout(store, page.id, [gone], "delete", "Ada", 0)
    desk = close_and_open_again(desk, server)
    tab.get_by_text("“typed in the train” is saved, but its line was taken off").wait_for()
    desk.wait_rows(5)
    with storage.open_store(server.data_dir, check=False) as store:
        assert storage.line_text(store, page.line_ids[2]).text == "typed in the train"


def test_lines_found_again_can_be_undone(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    field(tab, 1).fill("kept")
    wait_saved(tab, 1)
    desk.edit()
    tab.get_by_role("button", name="Find lines again").click()
    tab.get_by_role("button", name="Find lines", exact=True).click()
    tab.wait_for_function(
        "id => ![...document.querySelectorAll('.desk .row')].some(row => row.dataset.line == id)",
        arg=page.line_ids[2],
        timeout=60_000,
    )
    expect(field(tab, 1)).to_have_value("kept")
    assert desk.order()[0] == page.line_ids[0]
    desk.edit()
    tab.keyboard.press("Control+z")
    tab.wait_for_function(
        "id => [...document.querySelectorAll('.desk .row')].some(row => row.dataset.line == id)",
        arg=page.line_ids[2],
    )
    assert desk.order() == page.line_ids


def test_all_keys_are_listed(tab, server: Server) -> None:
    LineDesk(tab, server, page_of_six_lines(server))
    tab.keyboard.press("F1")
    words = tab.locator("dialog[open]").inner_text()
    for act in ("Draw a line", "Split", "Merge", "Reverse", "reading order", "Undo", "Zoom"):
        assert act in words


def frame_times_ms(tab, act) -> list[float]:
    """Milliseconds between the frames that the browser shows while `act` runs."""
    tab.evaluate("""() => {
        window.frames_ms = [];
        let before = 0;
        const count = (now) => {
            if (before) window.frames_ms.push(now - before);
            before = now;
            window.counting = requestAnimationFrame(count);
        };
        window.counting = requestAnimationFrame(count);
    }""")
    act()
    return tab.evaluate("() => { cancelAnimationFrame(window.counting); return window.frames_ms; }")


def test_frames_while_dragging_on_a_page_of_300_lines(tab, server: Server) -> None:
    page = page_of_many_lines(server, 300)
    desk = LineDesk(tab, server, page)
    desk.edit()
    line = page.baselines[20]
    desk.click(middle(line))
    assert desk.told() == "line 21, 8 points"
    tab.wait_for_timeout(500)
    point, aim = line[3], (line[3][0] + 60, line[3][1] + 40)
    frames = {
        "a point": frame_times_ms(tab, lambda: desk.drag(point, aim, steps=90)),
    }
    desk.wait_saved()
    tab.keyboard.press("Control+a")
    start = middle(page.baselines[30])
    frames["all 300 lines"] = frame_times_ms(
        tab, lambda: desk.drag(start, (start[0] + 5, start[1] + 9), steps=60)
    )
    for what, times_ms in frames.items():
        ordered = sorted(times_ms)
        print(
            f"\ndragging {what} on a page of 300 lines: {len(times_ms)} frames, "
            f"median {statistics.median(times_ms):.1f} ms, "
            f"95 % {ordered[int(0.95 * len(ordered))]:.1f} ms, longest {ordered[-1]:.1f} ms"
        )
    assert len(frames["a point"]) > 10


def test_refused_change_says_why_and_the_lines_are_as_the_server_has_them(
    tab, server: Server
) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    desk.edit()
    desk.click(middle(page.baselines[0]))
    tab.keyboard.press("s")
    desk.click(page.baselines[0][0])
    tab.get_by_text("cannot be cut there").wait_for()
    tab.get_by_text("not saved", exact=True).wait_for()
    assert desk.order() == page.line_ids
    tab.keyboard.press("r")
    desk.wait_saved()
    assert shown(server, page)[0].line.baseline == page.baselines[0][::-1]


def test_first_line_of_a_page_without_lines_is_drawn(tab, server: Server) -> None:
    page = page_of_six_lines(server)
    desk = LineDesk(tab, server, page)
    desk.edit()
    tab.keyboard.press("Control+a")
    tab.keyboard.press("Delete")
    tab.get_by_text("No text lines were found here").wait_for()
    tab.reload()
    tab.get_by_text("No text lines were found here").wait_for()
    desk.edit()
    tab.keyboard.press("d")
    desk.click(page.baselines[1][0])
    desk.click(page.baselines[1][-1])
    tab.keyboard.press("Enter")
    desk.wait_rows(1)
    desk.wait_saved()
    desk.wait_read()
    assert desk.text(1) != ""
    for _ in range(2):
        tab.keyboard.press("Control+z")
    desk.wait_rows(6)
    assert desk.order() == page.line_ids
