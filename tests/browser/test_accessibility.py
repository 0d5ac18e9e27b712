"""WCAG 2.2 AA as far as axe can tell: no serious finding in any place, light and dark."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.browser.conftest import Server, open_app
from tests.browser.pages import add_files, drawn_page, field, open_first_page, wait_saved

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def findings(tab) -> list[str]:
    """The serious and critical findings of axe in what is shown now."""
    from axe_playwright_python.sync_playwright import Axe

    answer = Axe().run(tab, options={"runOnly": {"type": "tag", "values": RULES}}).response
    return [
        f"{found['id']}: {node['target']} {node['html'][:160]} {node['failureSummary'][:300]}"
        for found in answer["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_no_place_has_a_serious_finding(
    tab, empty_server: Server, tmp_path: Path, theme: str
) -> None:
    open_app(tab, empty_server)
    tab.evaluate("theme => window.htr.setPreference('theme', theme)", theme)
    found = {"empty library": findings(tab)}
    drawn_page(tmp_path / "letter.png")
    add_files(tab, [tmp_path / "letter.png"])
    open_first_page(tab)
    field(tab, 1).fill("written by hand")
    wait_saved(tab, 1)
    with sqlite3.connect(empty_server.data_dir / "htr.sqlite") as database:
        database.execute("UPDATE page SET note = 'torn'")
        database.execute(
            "INSERT INTO document (project, title, metadata, created, changed, removed)"
            " SELECT 'War', 'Binned', metadata, created, changed, changed FROM document"
        )
    found["desk"] = findings(tab)
    for name, address in (
        ("library", "#/"),
        ("document", "#/document/1"),
        ("search", "#/search/written"),
        ("progress", "#/progress"),
        ("bin", "#/bin"),
        ("train", "#/train"),
        ("models", "#/models"),
        ("settings", "#/settings"),
    ):
        tab.evaluate("address => { location.hash = address }", address)
        tab.locator(f'.place[data-place="{name}"]').wait_for()
        tab.wait_for_timeout(700)  # the place asks the server for what it shows
        found[name] = findings(tab)
        tab.screenshot(path=tmp_path / f"{name}-{theme}.png")
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.slow
def test_places_are_reached_and_used_by_keyboard_alone(tab, empty_server: Server) -> None:
    open_app(tab, empty_server)
    tab.get_by_role("link", name="Search").focus()
    tab.keyboard.press("Enter")
    tab.get_by_role("textbox", name="Words to look for").wait_for()
    tab.wait_for_function("document.activeElement.classList.contains('search-for')")
    tab.keyboard.type("nowhere")
    tab.get_by_text("Nothing found").wait_for()
    tab.get_by_role("link", name="Library").focus()
    tab.keyboard.press("Enter")
    tab.locator('.place[data-place="library"] .empty').wait_for()
