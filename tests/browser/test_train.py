"""One training in a real browser: pressed, watched, left and found again, judged, reported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

import storage
from synthesis.page import DrawnPage, draw_page
from synthesis.settings import PageSettings
from tests.browser.conftest import Server, open_app
from tests.browser.lines import four_points, put_page
from tests.browser.test_models import perturbed_model, register
from tests.ui.training_runs import LEARNED, ended, running
from ui.static_files import static_text

pytestmark = pytest.mark.browser

RUN_LIMIT_MS = 600_000  # a training gives way to all else that a busy computer does
MINUTES = "0.1"


@pytest.fixture
def classroom(tmp_path: Path) -> Iterator[Server]:
    """An app whose trainings leave a core to the others."""
    app = Server(tmp_path / "data", HTR_TRAINING_THREADS="1")
    app.start()
    yield app
    app.kill()


def drawn(seed: int) -> DrawnPage:
    settings = PageSettings(width_px=700, height_px=420, line_count=4, letter=False)
    return draw_page(seed, settings=settings)


def correct_drawn_page(server: Server, seed: int, foreign: str = "") -> int:
    """Put a drawn page onto the server, each line corrected to what was drawn; return its number.

    foreign: is written after the text of the first line.
    """
    page = drawn(seed)
    found = [(four_points(line.baseline), line.spacing_px) for line in page.lines]
    known = put_page(server, page.pixels, found)
    with storage.open_store(server.data_dir, check=False) as store:
        for number, (line_id, line) in enumerate(zip(known.line_ids, page.lines, strict=True)):
            text = line.text + (foreign if number == 0 else "")
            storage.correct_line(store, line_id, text, "corrected", "ada", None)
    return known.id


def test_model_is_taught_watched_judged_and_reported(tab, classroom: Server) -> None:
    open_app(tab, classroom)
    tab.get_by_role("link", name="Train").click()
    tab.get_by_text("Nothing to learn from yet").wait_for()

    pages = [correct_drawn_page(classroom, seed, " ẽ") for seed in (1, 2, 3)]
    tab.reload()
    tab.get_by_text("You have corrected 12 lines on 3 pages.").wait_for()
    tab.get_by_text("2 pages will teach the model, 1 page (4 lines) will test it.").wait_for()
    shows_unknown_character(tab)
    chooses_pages(tab, classroom, pages[1])

    tab.get_by_label("No longer than so many minutes").fill(MINUTES)
    tab.get_by_role("button", name="Teach the model").click()
    tab.locator(".running progress").wait_for()
    tab.locator(".running .plot svg").wait_for(timeout=RUN_LIMIT_MS)
    tab.reload()  # the run knows nothing of tabs
    tab.locator(".running progress, .news .verdict").first.wait_for()
    tab.locator(".news .verdict").wait_for(timeout=RUN_LIMIT_MS)
    with storage.open_store(classroom.data_dir, check=False) as store:
        (run,) = storage.runs(store, "train")
    assert run.state == "done", run.message
    assert run.result is not None
    assert run.result["lines"] == 4
    keeps_report(tab)


def shows_unknown_character(tab) -> None:
    tab.get_by_text("Where they stand").click()
    expect(tab.locator(".example mark").first).to_have_text("ẽ")


def chooses_pages(tab, server: Server, page: int) -> None:
    """Pin a page to test and to teach, and leave it to the app again."""
    tab.get_by_role("button", name="Change").click()
    row = tab.locator(f'.page-role[data-page="{page}"]')
    for role, label in (("test", "test"), ("teach", "teach"), (None, "automatic")):
        row.get_by_label(label, exact=role is not None).check()
        if role:
            tab.locator(f'.page-role[data-page="{page}"][data-role="{role}"]').wait_for()
        expected = {"test": True, "teach": False, None: None}[role]
        tab.wait_for_function("() => !document.querySelector('.page-roles[aria-busy]')")
        with storage.open_store(server.data_dir, check=False) as store:
            assert storage.page(store, page).held_out is expected
    tab.get_by_role("button", name="Done").click()
    assert tab.locator(".page-roles").is_hidden()


def keeps_report(tab) -> None:
    tab.get_by_role("link", name="What changed").click()
    tab.locator(".rate-card").nth(1).wait_for()
    assert "#/train/1" in tab.url
    expect(tab.locator('.place[data-place="report"] .plot svg')).to_have_count(1)
    assert tab.locator(".changed img, .side-by-side p").count() > 0
    with tab.expect_download() as kept:
        tab.get_by_role("link", name="Download as one file").click()
    assert kept.value.suggested_filename == "training-1.html"
    assert "<html" in Path(kept.value.path()).read_text(encoding="utf-8")


def test_run_whose_process_died_says_so_and_is_dismissed_for_good(tab, server: Server) -> None:
    points = [
        {"step": n, "steps": 80, "loss": 9 / (n + 1), "cer": 0.48 / (n + 1)} for n in range(4)
    ]
    with storage.open_store(server.data_dir, check=False) as store:
        run_id = running(store, *({"phase": "training", **point} for point in points))
    tab.goto(f"{server.address}/#/train")
    tab.get_by_text("step 3 of 80", exact=True).wait_for()
    expect(tab.locator(".running .plot .dot")).to_have_count(4)
    described = tab.locator(".running .plot desc").text_content()
    assert "its best so far was 12\N{NO-BREAK SPACE}%, at step 3" in described
    tab.get_by_role("button", name="Stop here").click()
    tab.get_by_role("button", name="Stopping…").wait_for()

    failed = tab.locator(f'.news .verdict.failed[data-run="{run_id}"]')
    failed.wait_for(timeout=60_000)  # it gives no sign of life
    assert "Nothing is lost" in failed.inner_text()
    failed.get_by_role("button", name="Dismiss").click()
    tab.reload()
    tab.locator(f'.earlier li[data-run="{run_id}"].failed').wait_for()
    expect(tab.locator(".news .verdict")).to_have_count(0)


def test_person_decides_about_a_model_that_is_not_proven(
    tab, server: Server, tmp_path: Path
) -> None:
    file = perturbed_model(tmp_path / "taught.safetensors", "taught")
    made = register(server, file, "taught <b>v2</b>")
    with storage.open_store(server.data_dir, check=False) as store:
        base = storage.current_model(store)
        assert base is not None
        result = {**LEARNED, "verdict": "not proven", "sentence": "12 lines are too few."}
        ended(store, {**result, "model_id": made.id, "base_model_id": base.id})

    def in_use() -> int | None:
        with storage.open_store(server.data_dir, check=False) as store:
            current = storage.current_model(store)
            return current.id if current else None

    tab.goto(f"{server.address}/#/train")
    news = tab.locator(".news .verdict.not-proven")
    news.get_by_text("12 lines are too few.").wait_for()
    news.get_by_role("button", name="Use it anyway").click()
    news.get_by_role("button", name="Go back").wait_for()
    assert in_use() == made.id
    news.get_by_role("button", name="Go back").click()
    news.get_by_role("button", name="Keep the current one").wait_for()
    assert in_use() == base.id
    expect(tab.locator('.place[data-place="train"] b b')).to_have_count(0)
    news.get_by_role("button", name="Keep the current one").click()
    news.wait_for(state="detached")


@pytest.mark.parametrize(
    ("reading", "truth", "marked"),
    [
        ("the quick fox", "the quick fox", [("the", "same"), ("quick", "same"), ("fox", "same")]),
        ("the quack fox", "the quick fox", [("the", "same"), ("quack", "wrong"), ("fox", "same")]),
        ("the fox", "the quick fox", [("the", "same"), ("quick", "missing"), ("fox", "same")]),
        ("the the fox", "the fox", [("the", "same"), ("the", "wrong"), ("fox", "same")]),
        ("", "a b", [("a b", "missing")]),
        ("a", "", [("a", "wrong")]),
    ],
)
def test_words_are_compared_in_their_order(
    browser, reading: str, truth: str, marked: list[tuple[str, str]]
) -> None:
    tab = browser.new_page()
    script = static_text("train/words.js") + "; return compareWords(reading, truth);"
    words = tab.evaluate(
        "([script, reading, truth]) => new Function('reading', 'truth', script)(reading, truth)",
        [script, reading, truth],
    )
    tab.close()
    found = [(one["word"], one["kind"]) for one in words]
    assert sorted(found) == sorted(marked)
