"""Projects brought in through the browser: shown first, taken in when somebody says so."""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from exchange import write_page_xml
from tests.browser.conftest import ARTEFACTS, WAIT_MS, Server
from tests.projects import NOW, described, image, project_zip

pytestmark = pytest.mark.browser


def choose(tab, place: str, paths: list[Path]) -> None:
    with tab.expect_file_chooser() as chooser:
        tab.locator(f'.place[data-place="{place}"]').get_by_role(
            "button", name="Add pages"
        ).locator("visible=true").first.click()
    chooser.value.set_files([str(path) for path in paths])


def planned(tab, archive: Path, by: str):
    """Return the panel of an import that was looked through, with whose text it is chosen."""
    choose(tab, "library", [archive])
    panel = tab.locator('.place[data-place="library"] .import')
    panel.get_by_label(by).check()
    return panel


def count(server: Server, sql: str) -> int:
    with sqlite3.connect(server.data_dir / "htr.sqlite") as database:
        return database.execute(sql).fetchone()[0]


def test_project_is_shown_then_taken_in_and_opened(tab, server: Server, tmp_path: Path) -> None:
    before = count(server, "select count(*) from document")
    choose(tab, "library", [project_zip(tmp_path, title="Box <b>12</b>")])
    panel = tab.locator('.place[data-place="library"] .import')
    panel.get_by_text("“Box <b>12</b>”: 3 pages to take in").wait_for()
    panel.get_by_text("3 pages with lines (3 PAGE): 9 lines, 9 of them with text").wait_for()
    take = panel.get_by_role("button", name="Take it in")
    expect(take).to_be_disabled()  # nobody has said yet whose text it is
    assert count(server, "select count(*) from document") == before
    panel.get_by_label("by people").check()
    take.click()
    tab.get_by_text("3 pages are in, with 9 lines.").wait_for()
    panel.wait_for(state="detached")
    tab.get_by_role("button", name="Open").click()
    cards = tab.locator('.place[data-place="document"] .card')
    cards.nth(2).wait_for()
    expect(cards.first.get_by_text("all lines checked")).to_be_visible()
    cards.first.locator("a.title").click()
    field = tab.get_by_role("textbox", name="Text of line 2", exact=True)
    field.wait_for()
    expect(field).to_have_value("page 1 line 1 œuvre")


def test_what_cannot_be_taken_in_is_left_out_only_by_agreement(
    tab, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "scan 1.png").write_bytes(image(21))
    (tmp_path / "scan 1.xml").write_bytes(write_page_xml(described(1), NOW))
    (tmp_path / "evil.xml").write_bytes(b'<!DOCTYPE x [<!ENTITY a "<b>b</b>">]><PcGts>&a;</PcGts>')
    choose(tab, "library", sorted(tmp_path.iterdir()))
    panel = tab.locator('.place[data-place="library"] .import')
    panel.get_by_text("1 thing that cannot be taken in").click()
    panel.get_by_text("evil.xml has a DOCTYPE").wait_for()
    tab.screenshot(path=ARTEFACTS / "import-plan.png")
    panel.get_by_label("by a machine").check()
    take = panel.get_by_role("button", name="Take it in")
    expect(take).to_be_disabled()
    tab.reload()  # the plan is on the server: any tab shows it
    panel.get_by_label("by a machine").check()
    panel.get_by_label("Leave out what cannot be taken in").check()
    take.click()
    tab.get_by_text("1 page is in, with 3 lines.").first.wait_for()
    panel.wait_for(state="detached")
    assert count(server, "select count(*) from reading where text like 'page 1 line%'") == 3


def test_import_that_ends_before_the_screen_looks_again_is_told_of(
    tab, server: Server, tmp_path: Path
) -> None:
    panel = planned(tab, project_zip(tmp_path, pages=1, title="Quick"), "by people")

    def hold_back(route) -> None:
        """Answer a request once no import is at work any more."""
        answer = route.fetch()
        at_work = "kind = 'import' and state in ('waiting', 'running')"
        limit = time.monotonic() + WAIT_MS / 1000
        while (
            count(server, f"select count(*) from run where {at_work}") and time.monotonic() < limit
        ):
            time.sleep(0.05)
        route.fulfill(response=answer)

    tab.route(re.compile("component_server"), hold_back)
    panel.get_by_role("button", name="Take it in").click()
    tab.get_by_text("1 page is in, with 3 lines.").wait_for()
    tab.unroute_all(behavior="wait")
    panel.wait_for(state="detached")


def test_import_that_is_forgotten_leaves_nothing(tab, server: Server, tmp_path: Path) -> None:
    choose(tab, "library", [project_zip(tmp_path, pages=1)])
    panel = tab.locator('.place[data-place="library"] .import')
    panel.get_by_role("button", name="Forget it").click()
    panel.wait_for(state="detached")
    assert list((server.data_dir / "imports").iterdir()) == []


def test_pasted_transcription_goes_onto_the_lines_and_undo_takes_it_back(
    tab, server: Server, tmp_path: Path
) -> None:
    panel = planned(tab, project_zip(tmp_path, pages=1, title="To paste onto"), "by a machine")
    panel.get_by_role("button", name="Take it in").click()
    tab.get_by_role("button", name="Open").click()
    tab.locator('.place[data-place="document"] .card a.title').first.click()
    field = tab.get_by_role("textbox", name="Text of line 2", exact=True)
    field.wait_for()
    tab.get_by_role("button", name="Paste text…").click()
    text = "page 1 line 0 aeuvre\npage 1 line 1 <b>œuvre</b>\nsomething else entirely"
    tab.get_by_label("Transcription", exact=True).fill(text)
    tab.get_by_role("button", name="Lay it onto the lines").click()
    tab.get_by_role("button", name="Take 2 lines").wait_for()
    tab.screenshot(path=ARTEFACTS / "paste-dialog.png")
    tab.get_by_role("button", name="Take 2 lines").click()
    tab.get_by_text("2 lines have the pasted text now.").wait_for()
    expect(field).to_have_value("page 1 line 1 <b>œuvre</b>")
    tab.get_by_role("button", name="Undo").last.click()
    tab.wait_for_function(
        "document.querySelectorAll('.row textarea')[1].value === 'page 1 line 1 œuvre'"
    )


def test_private_address_is_not_asked(tab, server: Server) -> None:
    place = tab.locator('.place[data-place="library"]')
    place.get_by_role("button", name="From an address").locator("visible=true").first.click()
    place.get_by_label("Address of the manifest").fill(server.address)
    place.get_by_role("button", name="Look").click()
    place.locator(".import").get_by_text("lies at 127.0.0.1, which is not public").or_(
        place.locator(".import").get_by_text("only 80 and 443 are")
    ).wait_for()
    place.locator(".import").get_by_role("button", name="Close").click()
    place.locator(".import").wait_for(state="detached")
