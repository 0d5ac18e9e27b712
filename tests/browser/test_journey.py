"""A page from upload to corrected text, in a real browser, with the shipped model."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ARTEFACTS, Server, open_app
from tests.browser.pages import add_files, drawn_page, field, open_first_page, wait_saved
from tests.browser.screencast import Screencast

pytestmark = pytest.mark.browser


def revisions(server: Server) -> list[tuple[str, str, str]]:
    """What the database holds, read beside the app: (text, status, author), oldest first."""
    with sqlite3.connect(server.data_dir / "htr.sqlite") as database:
        return database.execute("select text, status, author from revision order by id").fetchall()


def open_drawn_page(tab, tmp_path: Path, name: str = "letter.png") -> None:
    drawn_page(tmp_path / name)
    add_files(tab, [tmp_path / name])
    open_first_page(tab)


def test_page_is_uploaded_read_corrected_and_still_corrected_after_reload(
    tab, server: Server, tmp_path: Path
) -> None:
    open_drawn_page(tab, tmp_path)
    assert tab.locator(".row").count() >= 5
    assert tab.locator(".sheet svg .line").count() == tab.locator(".row").count()

    field(tab, 2).fill("My dear <b>friend</b> & œuvre")
    wait_saved(tab, 2)
    assert revisions(server)[-1] == ("My dear <b>friend</b> & œuvre", "corrected", "tester")

    tab.reload()
    tab.locator(".row.current").wait_for()
    expect(field(tab, 2)).to_have_value("My dear <b>friend</b> & œuvre")
    expect(tab.locator(".mirror b")).to_have_count(0)


def test_correction_survives_a_killed_server(tab, server: Server, tmp_path: Path) -> None:
    open_drawn_page(tab, tmp_path)
    field(tab, 1).fill("kept through a power cut")
    wait_saved(tab, 1)
    server.kill()
    server.start()
    tab.reload()
    tab.locator(".row.current").wait_for()
    expect(field(tab, 1)).to_have_value("kept through a power cut")


def test_typing_goes_on_while_the_server_is_away_and_is_saved_when_it_is_back(
    tab, server: Server, tmp_path: Path
) -> None:
    """Filmed: the server is killed in mid-word, the word is ended, and the database has it."""
    open_drawn_page(tab, tmp_path)
    film = Screencast(tab)
    line = field(tab, 1)
    line.press("Control+A")
    line.press_sequentially("typed with", delay=60)
    server.kill()
    line.press_sequentially("out a server", delay=60)
    tab.get_by_text("not saved: no connection, kept on this computer").first.wait_for()
    server.start()
    wait_saved(tab, 1)
    expect(line).to_have_value("typed without a server")
    assert revisions(server)[-1][0] == "typed without a server"
    assert film.save(ARTEFACTS / "server killed in mid-typing.webp") > 5


def test_text_typed_while_the_server_is_away_outlives_the_tab(
    tab, server: Server, tmp_path: Path
) -> None:
    open_drawn_page(tab, tmp_path)
    address = tab.url
    server.kill()
    field(tab, 1).fill("only in this browser")
    tab.get_by_text("not saved: no connection, kept on this computer").first.wait_for()
    tab.on("dialog", lambda dialog: dialog.accept())
    tab.goto("about:blank")
    server.start()
    tab.goto(address)
    wait_saved(tab, 1)
    expect(field(tab, 1)).to_have_value("only in this browser")
    assert revisions(server)[-1][0] == "only in this browser"


def test_keyboard_alone_accepts_corrects_and_restores(tab, server: Server, tmp_path: Path) -> None:
    open_drawn_page(tab, tmp_path)
    machine = field(tab, 2).input_value()
    field(tab, 1).focus()
    tab.keyboard.press("Enter")  # as it stands: confirmed
    tab.keyboard.press("End")
    tab.keyboard.type(" and more")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Shift+Enter")
    assert field(tab, 2).evaluate("field => field === document.activeElement")
    wait_saved(tab, 1)
    wait_saved(tab, 2)
    statuses = tab.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.status)")
    assert statuses[:2] == ["confirmed", "corrected"]
    expect(field(tab, 2)).to_have_value(machine + " and more")
    tab.keyboard.press("Escape")
    expect(field(tab, 2)).to_have_value(machine)
    tab.locator('.row[data-status="machine"]').nth(0).wait_for()
    # Going back to the machine is a decision too: it is appended, nothing is deleted.
    tab.wait_for_function("document.querySelectorAll('.row')[1].dataset.status === 'machine'")
    assert [status for _, status, _ in revisions(server)].count("corrected") >= 1


def test_click_on_a_line_of_the_image_goes_to_its_row(tab, server: Server, tmp_path: Path) -> None:
    open_drawn_page(tab, tmp_path)
    group = tab.locator(".sheet svg .line").nth(2)
    line = group.get_attribute("data-line")
    box = group.locator("polygon").bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    tab.locator(f'.row.current[data-line="{line}"] textarea:focus').wait_for()
    assert f"/line/{line}" in tab.url


def test_the_second_of_two_tabs_sees_what_the_first_wrote(
    tab, server: Server, tmp_path: Path
) -> None:
    open_drawn_page(tab, tmp_path)
    other = tab.context.new_page()
    other.goto(tab.url)
    other.locator(".row.current").wait_for()
    field(tab, 1).fill("first tab")
    wait_saved(tab, 1)
    field(other, 1).fill("second tab")
    other.get_by_text("tester wrote in the meantime: “first tab”").wait_for()
    assert revisions(server)[-1][0] == "first tab"
    other.get_by_role("button", name="Keep mine").click()
    wait_saved(other, 1)
    assert [text for text, _, _ in revisions(server)][-2:] == ["first tab", "second tab"]


def test_bad_file_says_why_and_the_others_are_in(tab, server: Server, tmp_path: Path) -> None:
    drawn_page(tmp_path / "a good page.png")
    (tmp_path / "notes <img src=x>.png").write_bytes(b"this is no image")
    (tmp_path / "empty.jpg").write_bytes(b"")
    names = ["notes <img src=x>.png", "a good page.png", "empty.jpg"]
    add_files(tab, [tmp_path / name for name in names])
    tab.locator(".upload.failed").nth(1).wait_for()
    failed = tab.locator(".upload.failed").all_inner_texts()
    assert "notes <img src=x>.png" in failed[0]
    assert "empty.jpg" in failed[1]
    expect(tab.locator(".upload img")).to_have_count(0)
    open_first_page(tab)
    expect(tab.locator(".page-bar")).to_contain_text("1 / 1")


def test_several_pages_keep_the_order_of_their_files(tab, server: Server, tmp_path: Path) -> None:
    paths = [tmp_path / f"page {number}.png" for number in (1, 2, 3)]
    for seed, path in enumerate(paths):
        drawn_page(path, seed=seed, lines=3)
    add_files(tab, paths)
    open_first_page(tab)
    expect(tab.locator(".page-bar")).to_contain_text("1 / 3")
    tab.get_by_role("link", name="Next page").first.click()
    tab.get_by_text("2 / 3").wait_for()


def test_example_is_read_and_opens_on_the_desk(tab, server: Server) -> None:
    tab.get_by_role("button", name="Try an example").click()
    tab.locator(".row.current textarea:focus").wait_for(timeout=60_000)
    assert tab.locator(".row").count() > 10


def test_removed_page_comes_back_by_undo(tab, server: Server, tmp_path: Path) -> None:
    drawn_page(tmp_path / "letter.png")
    add_files(tab, [tmp_path / "letter.png"])
    tab.locator('.place[data-place="document"] .card').wait_for()
    tab.get_by_role("button", name="Remove page 1").click()
    tab.get_by_text("No pages in this document yet").wait_for()
    tab.get_by_role("button", name="Undo").click()
    tab.locator('.place[data-place="document"] .card').wait_for()


def test_nothing_is_fetched_from_other_hosts(browser, server: Server) -> None:
    context = browser.new_context()
    tab = context.new_page()
    hosts = set()
    tab.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    tab.goto(server.address)
    tab.locator(".rail .icon").first.wait_for()
    context.close()
    assert hosts == {f"127.0.0.1:{server.port}"}


def picture(tab, folder: Path, name: str) -> None:
    tab.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=82)


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_screenshots_of_every_place(
    tab, empty_server: Server, tmp_path: Path, theme: str, request
) -> None:
    open_app(tab, empty_server)
    folder = Path(request.config.getoption("--screenshots-to") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    tab.evaluate("theme => window.htr.setPreference('theme', theme)", theme)
    picture(tab, folder, f"empty-library-{theme}")
    tab.get_by_role("button", name="Try an example").click()
    tab.locator(".row.current textarea:focus").wait_for(timeout=60_000)
    for number in (1, 2):
        tab.keyboard.press("Enter")
        wait_saved(tab, number)
    tab.wait_for_timeout(600)  # the image glides to the line
    picture(tab, folder, f"desk-{theme}")
    tab.set_viewport_size({"width": 820, "height": 1180})
    tab.wait_for_timeout(600)
    picture(tab, folder, f"desk-on-a-tablet-{theme}")
    tab.set_viewport_size({"width": 1280, "height": 720})
    for name, address in (
        ("library", "#/"),
        ("document", "#/document/1"),
        ("settings", "#/settings"),
    ):
        tab.evaluate("address => { location.hash = address }", address)
        tab.locator(f'.place[data-place="{name}"]').wait_for()
        tab.wait_for_timeout(500)
        picture(tab, folder, f"{name}-{theme}")
    assert json.loads(tab.evaluate("localStorage.getItem('htr-preference-theme')")) == theme


def test_only_who_signs_in_comes_in_and_what_they_write_outlives_an_expired_login(
    browser, server: Server, tmp_path: Path
) -> None:
    guarded = Server(tmp_path / "guarded", HTR_USERS="ada:lovelace,ben:x")
    guarded.start()
    try:
        stranger = browser.new_context()
        assert stranger.request.get(guarded.address).status == 401
        assert stranger.request.get(f"{guarded.address}/files/pages/1/thumbnail").status == 401
        stranger.close()
        context = browser.new_context(http_credentials={"username": "ada", "password": "lovelace"})
        tab = context.new_page()
        tab.goto(guarded.address)
        open_drawn_page(tab, tmp_path)
        field(tab, 1).fill("signed")
        wait_saved(tab, 1)
        assert revisions(guarded)[-1] == ("signed", "corrected", "ada")
        guarded.kill()
        guarded.environment["HTR_USERS"] = "ada:byron"  # who was signed in is so no more
        guarded.start()
        field(tab, 1).fill("typed after the password was changed")
        tab.get_by_text("not saved: no connection, kept on this computer").first.wait_for()
        guarded.kill()
        guarded.environment["HTR_USERS"] = "ada:lovelace"
        guarded.start()
        wait_saved(tab, 1)
        context.close()
        assert revisions(guarded)[-1] == (
            "typed after the password was changed", "corrected", "ada",
        )  # fmt: skip
    finally:
        guarded.kill()
