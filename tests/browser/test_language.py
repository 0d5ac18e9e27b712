"""The language model in the box: built and switched on by one click, and read with."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from htr.metrics import cer
from tests.browser.conftest import Server, open_app
from tests.browser.pages import add_files, drawn_page, field, open_first_page

pytestmark = pytest.mark.browser


def test_language_model_in_the_box_is_switched_on_and_reads_a_page(
    tab, empty_server: Server, tmp_path: Path
) -> None:
    open_app(tab, empty_server)
    tab.get_by_role("link", name="Train").click()
    row = tab.locator(".language-row")
    row.get_by_text("There is none yet.").wait_for()
    row.get_by_label("Read with it").check()
    row.get_by_text("Built from the French and English in the box.").wait_for()
    expect(row.get_by_label("Read with it")).to_be_checked()
    tab.get_by_role("link", name="Settings").click()
    block = tab.locator(".block.language")
    block.get_by_text("Built from the French and English in the box.").wait_for()
    expect(block.get_by_label("Read with it")).to_be_checked()
    tab.get_by_role("link", name="Library").click()
    texts = drawn_page(tmp_path / "letter.png")
    add_files(tab, [tmp_path / "letter.png"])
    open_first_page(tab)
    read = [
        field(tab, number).input_value() for number in range(1, tab.locator(".row").count() + 1)
    ]
    assert cer([" ".join(texts)], [" ".join(read)]) < 0.25
    assert (empty_server.data_dir / "language" / "model.safetensors").exists()
