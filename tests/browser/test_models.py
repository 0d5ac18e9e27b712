"""Models in a real browser: chosen, compared, exported, imported, removed; pages read again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from playwright.sync_api import expect

import storage
from htr.checkpoint import load_checkpoint, save_checkpoint
from htr.shipped import SHIPPED_NAMES, default_model_path
from synthesis.example import encode_png
from synthesis.page import draw_page
from synthesis.settings import PageSettings
from tests.browser.conftest import Server, open_app
from tests.browser.lines import box, four_points
from tests.browser.pages import field, wait_saved

pytestmark = pytest.mark.browser

SHIPPED = SHIPPED_NAMES[0]
SECOND = "Second hand <b>v2</b>"
# As promotion writes them.
SCORES = {
    "verdict": "better",
    "cer": 0.181,
    "cer_before": 0.354,
    "p": 0.003,
    "lines": 24,
    "forgetting": {"before": 0.2, "after": 0.212, "change": 0.012, "warn": True, "lines": 40},
}
FACTS = {
    "run": 7,
    "snapshot_sha256": "0123456789abcdef" * 4,
    "documents": [1, 2],
    "train_line_count": 64,
    "test_line_count": 24,
    "train_images": ["a" * 64] * 5,
}


def perturbed_model(path: Path, name: str, seed: int = 1, strength: float = 0.04) -> Path:
    """The shipped model, a little worse: its head's weights shaken, under another name."""
    checkpoint = load_checkpoint(default_model_path())
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        weight = checkpoint.model.head.weight
        noise = torch.randn(weight.shape, generator=generator)
        weight += strength * weight.std() * 10 * noise
    return save_checkpoint(
        path,
        checkpoint.model,
        checkpoint.alphabet,
        name=name,
        created=datetime(2026, 5, 4, tzinfo=UTC),
        metrics=SCORES,
        half=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app of these tests' own: they change which model is in use."""
    app = Server(tmp_path_factory.mktemp("models") / "data")
    app.start()
    yield app
    app.kill()


@pytest.fixture(scope="module")
def second_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return perturbed_model(tmp_path_factory.mktemp("models") / "second.safetensors", "second")


def register(server: Server, file: Path, name: str = SECOND) -> storage.Model:
    """Put the model beside the running app, as a fine-tuning would; it is not in use."""
    checkpoint = load_checkpoint(file)
    with storage.open_store(server.data_dir, check=False) as store:
        parent = storage.current_model(store)
        assert parent is not None
        return storage.register_model(
            store,
            file,
            name,
            checkpoint.alphabet.characters,
            scores=checkpoint.facts["metrics"],
            facts={"fine_tuning": FACTS},
            parent_id=parent.id,
        )


def go(tab, address: str, place: str) -> None:
    tab.evaluate("address => { location.hash = address }", address)
    tab.locator(f'body[data-place="{place}"]').wait_for()


def example_page(tab) -> None:
    tab.get_by_role("button", name="Try an example").click()
    tab.locator(".row.current textarea:focus").wait_for(timeout=90_000)


def row(tab, name: str):
    return tab.locator(".model", has=tab.get_by_role("link", name=name, exact=True))


def shots(tab, folder: Path | None, name: str) -> None:
    if folder is None:
        return
    for theme in ("light", "dark"):
        tab.evaluate("theme => window.htr.setPreference('theme', theme)", theme)
        for size, (width, height) in {"desktop": (1280, 800), "tablet": (820, 1180)}.items():
            tab.set_viewport_size({"width": width, "height": height})
            tab.wait_for_timeout(250)
            tab.screenshot(path=folder / f"{name}-{theme}-{size}.png")
    tab.set_viewport_size({"width": 1280, "height": 720})


def test_another_model_reads_a_page_again_and_shows_what_changed(
    tab, own_server: Server, second_file: Path, request
) -> None:
    folder = request.config.getoption("--screenshots-to")
    folder = Path(folder) if folder else None
    open_app(tab, own_server)
    example_page(tab)
    address = tab.url
    tab.get_by_text(f"read by {SHIPPED}").wait_for()
    expect(tab.get_by_role("button", name="Read again")).to_have_count(0)
    field(tab, 1).fill("decided by a person")
    wait_saved(tab, 1)
    numbers = range(2, tab.locator(".row").count() + 1)
    machine = [field(tab, number).input_value() for number in numbers]

    register(own_server, second_file)
    go(tab, "#/models", "models")
    row(tab, SECOND).wait_for()
    expect(tab.locator(".models b")).to_have_count(0)  # names are text, never markup
    shots(tab, folder, "models")
    row(tab, SECOND).get_by_role("button", name="Use from now on").click()
    tab.locator(".htr-message", has_text="reads from now on").wait_for()
    row(tab, SECOND).locator(".badge", has_text="in use").wait_for()
    row(tab, SECOND).get_by_role("button", name="Go back").wait_for()

    tab.goto(address)
    tab.get_by_role("button", name="Read again").wait_for()
    shots(tab, folder, "desk-other-model")
    tab.get_by_role("button", name="Read again").click()
    tab.locator(".htr-message", has_text="otherwise").wait_for(timeout=90_000)
    expect(field(tab, 1)).to_have_value("decided by a person")
    assert [field(tab, number).input_value() for number in numbers] != machine
    tab.get_by_text(f"read by {SECOND}").wait_for()
    tab.locator(".htr-message").get_by_role("button", name="What changed").click()
    tab.locator(".pair").first.wait_for()
    told = tab.locator(".changes-told .told").inner_text()
    assert f"read otherwise by {SECOND} than by {SHIPPED}" in told
    assert tab.locator(".pair del").count() > 0
    assert tab.locator(".pair ins").count() > 0
    shots(tab, folder, "changes")

    go(tab, "#/document/1", "document")
    tab.get_by_role("link", name="What changed").wait_for()
    shots(tab, folder, "document")

    go(tab, "#/models", "models")
    row(tab, SECOND).get_by_role("link", name=SECOND, exact=True).click()
    tab.get_by_role("button", name=f"Go back to {SHIPPED}").wait_for()
    shots(tab, folder, "model")
    tab.get_by_role("button", name=f"Go back to {SHIPPED}").click()
    tab.locator(".htr-message", has_text=f"“{SHIPPED}” reads from now on").wait_for()
    tab.goto(address)
    tab.get_by_text(f"read by {SHIPPED}").wait_for()  # its reading is still there
    assert [field(tab, number).input_value() for number in numbers] == machine


def test_two_models_are_compared_on_corrected_lines(
    tab, own_server: Server, second_file: Path, request
) -> None:
    folder = request.config.getoption("--screenshots-to")
    folder = Path(folder) if folder else None
    open_app(tab, own_server)
    example_page(tab)
    for number in range(1, 9):
        tab.keyboard.press("Enter")
        wait_saved(tab, number)
    register(own_server, second_file)
    go(tab, "#/models/compare", "models")
    tab.get_by_label("reading at most").wait_for()
    shots(tab, folder, "compare")
    tab.locator(".comparison-form button").click()
    tab.locator(".models .work").wait_for()
    tab.locator(".figures").wait_for(timeout=90_000)
    misread = tab.locator(".figure strong").first.inner_text()
    assert misread == "0.0\N{NO-BREAK SPACE}%"  # its own reading, confirmed
    assert tab.locator(".pair mark").count() > 0
    shots(tab, folder, "comparison")
    tab.reload()
    tab.locator(".figures").wait_for()  # the result is kept


def test_model_is_exported_removed_brought_back_and_imported(
    tab, own_server: Server, second_file: Path, tmp_path: Path, request
) -> None:
    folder = request.config.getoption("--screenshots-to")
    folder = Path(folder) if folder else None
    open_app(tab, own_server)
    model = register(own_server, second_file)  # a test that failed may have left it in use
    with storage.open_store(own_server.data_dir, check=False) as store:
        storage.set_current_model(store, model.parent_id or 0)
    go(tab, "#/models", "models")
    row(tab, SECOND).get_by_role("button", name=f"Rename {SECOND}").click()
    tab.get_by_label("Name of the model").locator("visible=true").fill("Letters of Ada")
    tab.keyboard.press("Enter")
    row(tab, "Letters of Ada").wait_for()
    with tab.expect_download() as download:
        row(tab, "Letters of Ada").get_by_role("link", name="Export Letters of Ada").click()
    assert download.value.suggested_filename == "Letters of Ada.safetensors"
    exported = tmp_path / "Letters of Ada.safetensors"
    download.value.save_as(exported)
    assert exported.read_bytes() == second_file.read_bytes()

    row(tab, "Letters of Ada").get_by_role("button", name="Remove Letters of Ada").click()
    tab.locator(".htr-message", has_text="are deleted for good after 30 days").wait_for()
    row(tab, "Letters of Ada").wait_for(state="detached")
    tab.locator(".htr-message").get_by_role("button", name="Undo").click()
    row(tab, "Letters of Ada").wait_for()

    weights = own_server.data_dir / "models" / f"{model.sha256}.safetensors"
    weights.write_bytes(b"overwritten")
    tab.reload()
    tab.locator(".models .trouble", has_text="damaged").wait_for()
    expect(
        row(tab, "Letters of Ada").get_by_role("button", name="Use from now on")
    ).to_be_disabled()
    shots(tab, folder, "models-damaged")
    (tmp_path / "hostile <i>.pth").write_bytes(b"PK no archive")
    with tab.expect_file_chooser() as chooser:
        tab.get_by_role("button", name="Import").click()
    chooser.value.set_files([str(tmp_path / "hostile <i>.pth"), str(exported)])
    tab.locator(".upload.failed", has_text="Nothing in it was run").wait_for()
    expect(tab.locator(".upload i")).to_have_count(0)
    tab.locator(".htr-message", has_text="its weights are sound").wait_for()
    tab.locator(".models .trouble").wait_for(state="detached")
    shots(tab, folder, "models-imported")


def read_pages(server: Server, pages: int) -> int:
    """A document of small pages whose lines the model in use has read as "machine 1" and so on."""
    drawn = draw_page(
        5, settings=PageSettings(width_px=700, height_px=320, line_count=3, letter=False)
    )
    with storage.open_store(server.data_dir, check=False) as store:
        model = storage.current_model(store)
        assert model is not None
        document = storage.add_document(store, "Two pages")
        for number in range(pages):
            page = storage.add_page(
                store, document.id, f"page {number}", encode_png(drawn.pixels), "png", 700, 320
            )
            lines = [
                storage.NewLine(
                    four_points(line.baseline),
                    box(four_points(line.baseline), line.spacing_px),
                    line.spacing_px,
                    reading=storage.NewReading(f"machine {index}", 0.9),
                )
                for index, line in enumerate(drawn.lines, start=1)
            ]
            storage.replace_lines(store, page.id, lines, model.id)
    return document.id


def test_whole_document_is_read_again_by_the_model_in_use(
    tab, own_server: Server, second_file: Path
) -> None:
    open_app(tab, own_server)
    model = register(own_server, second_file)
    with storage.open_store(own_server.data_dir, check=False) as store:
        storage.set_current_model(store, model.parent_id or 0)
        document = read_pages(own_server, 2)
        storage.set_current_model(store, model.id)
    go(tab, f"#/document/{document}", "document")
    tab.get_by_text(f"2 pages were read by another model than {model.name}").wait_for()
    tab.get_by_role("button", name="Read them again").click()
    tab.get_by_text("2 pages to read").wait_for()
    tab.get_by_text(f"Read by {model.name}, and by another model before.").wait_for(timeout=90_000)
    tab.get_by_role("link", name="What changed").click()
    tab.locator(".changes-told", has_text="6 of 6 lines").wait_for()
    assert tab.locator(".pair .about").nth(3).inner_text().startswith("page 2, line 1")
    with storage.open_store(own_server.data_dir, check=False) as store:
        storage.set_current_model(store, model.parent_id or 0)
