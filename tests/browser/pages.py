"""Drawn pages as files to upload, and what the tests do on the screens."""

from __future__ import annotations

from pathlib import Path

from synthesis.example import encode_png
from synthesis.page import draw_page
from synthesis.settings import PageSettings


def drawn_page(path: Path, seed: int = 7, lines: int = 6) -> list[str]:
    """Write a small drawn page to `path`; return the texts of its lines."""
    drawn = draw_page(
        seed, settings=PageSettings(width_px=900, height_px=700, line_count=lines, letter=False)
    )
    path.write_bytes(encode_png(drawn.pixels))
    return [line.text for line in drawn.lines]


def add_files(tab, paths: list[Path]) -> None:
    """Add files by the button that the screen shows, as a person would."""
    with tab.expect_file_chooser() as chooser:
        tab.get_by_role("button", name="Add pages").locator("visible=true").first.click()
    chooser.value.set_files([str(path) for path in paths])


def open_first_page(tab) -> None:
    """Open the document's first page once it is read; return with its lines on the desk."""
    tab.locator('.place[data-place="document"] .card .bar').first.wait_for()
    tab.wait_for_function(
        "() => [...document.querySelectorAll('.place[data-place=\"document\"] .card')]"
        ".every(card => /to check|checked|no text/.test(card.textContent))",
        timeout=180_000,  # the first reading on a new machine compiles all of torch
    )
    tab.locator('.place[data-place="document"] .card a.title').first.click()
    tab.locator(".row.current textarea:focus").wait_for()


def field(tab, number: int):
    """Return the text field of the page's line of that number, counted from 1."""
    return tab.get_by_role("textbox", name=f"Text of line {number}", exact=True)


def wait_saved(tab, number: int) -> None:
    """Wait until the row says that the database has the line."""
    tab.locator(".row").nth(number - 1).locator('.saved[data-state="saved"]').wait_for()
