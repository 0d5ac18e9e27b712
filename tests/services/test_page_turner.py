"""Pages turned and cropped from their pixels: ink and lines stay together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import storage
from segmentation.encoding import decode_page
from services.services import Services
from tests.ui.training_runs import add_pages, sleeping_services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = sleeping_services(tmp_path)
    add_pages(opened, 1)
    yield opened
    opened.close()


@pytest.fixture
def page(services: Services) -> storage.Page:
    document = storage.documents(services.store)[0].document
    return storage.pages_of(services.store, document.id)[0].page


def pixels(services: Services, page_id: int) -> np.ndarray:
    return decode_page(storage.page_image(services.store, storage.page(services.store, page_id)))


def test_page_turned_four_times_has_its_pixels_and_lines_again(
    services: Services, page: storage.Page
) -> None:
    before = pixels(services, page.id)
    lines = [one.line.baseline for one in storage.lines_of(services.store, page.id)]
    for _ in range(4):
        services.turn_pages([page.id], 1, "Ada")
    after = storage.page(services.store, page.id)
    assert (after.width_px, after.height_px) == (page.width_px, page.height_px)
    assert np.abs(pixels(services, page.id).astype(int) - before).max() <= 3
    assert [one.line.baseline for one in storage.lines_of(services.store, page.id)] == lines


def test_image_of_a_line_is_the_same_after_a_turn(services: Services, page: storage.Page) -> None:
    line_id = storage.line_order(services.store, page.id)[0]
    before = decode_page(services.line_image(storage.line_text(services.store, line_id).line))
    services.turn_pages([page.id], 1, "Ada")
    after = decode_page(services.line_image(storage.line_text(services.store, line_id).line))
    assert after.shape == before.shape
    assert np.abs(after.astype(int) - before).mean() < 3


def test_turned_page_waits_to_have_its_lines_found_anew(
    services: Services, page: storage.Page
) -> None:
    services.turn_pages([page.id], 3, "Ada")
    assert storage.page(services.store, page.id).state == "waiting"
    services.undo_turns([page.id], "Ada")
    assert storage.page(services.store, page.id).sha256 == page.sha256
    assert storage.page(services.store, page.id).state == "waiting"


def test_cropped_page_is_what_lies_in_the_frame_and_is_not_read_again(
    services: Services, page: storage.Page
) -> None:
    services.cut_page(page.id, (-5, 4, 580, 10_000), "Ada")
    after = storage.page(services.store, page.id)
    assert (after.width_px, after.height_px) == (580, page.height_px - 4)
    assert after.state == page.state
    services.undo_turns([page.id], "Ada")
    assert storage.page(services.store, page.id) == page


@pytest.mark.parametrize("frame", [(10, 10, 20, 200), (300, 10, 100, 200), (900, 0, 1000, 100)])
def test_frame_that_leaves_next_to_nothing_is_refused(
    services: Services, page: storage.Page, frame: tuple[int, int, int, int]
) -> None:
    with pytest.raises(storage.StorageError, match="Draw a larger frame"):
        services.cut_page(page.id, frame, "Ada")
    assert storage.page(services.store, page.id) == page
