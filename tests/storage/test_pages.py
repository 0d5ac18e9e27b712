"""Pages of a document."""

from __future__ import annotations

import pytest

from storage import (
    Document,
    NotFound,
    Page,
    StorageError,
    Store,
    add_document,
    add_page,
    correct_line,
    page_neighbours,
    pages_of,
    remove_page,
    restore_page,
    same_image_pages,
)
from storage import page as page_by_number


@pytest.fixture
def three(store: Store, document: Document) -> list[int]:
    return [
        add_page(store, document.id, f"{name}.png", name.encode(), "png", 10, 20).id
        for name in "abc"
    ]


def test_page_keeps_what_was_given(store: Store, document: Document) -> None:
    page = add_page(store, document.id, "fol. 1\r\x00.jpg", b"image", "webp", 800, 600)
    assert (page.document_id, page.position, page.name) == (document.id, 1, "fol. 1  .jpg")
    assert (page.suffix, page.width_px, page.height_px) == ("webp", 800, 600)
    assert (page.state, page.message, page.removed) == ("waiting", "", None)
    assert page_by_number(store, page.id) == page


def test_file_name_with_a_broken_byte_is_kept_readable(store: Store, document: Document) -> None:
    page = add_page(store, document.id, "a\udcff.jpg", b"image", "jpg", 1, 1)
    assert page.name == "a\ufffd.jpg"


@pytest.mark.parametrize(
    ("image", "suffix", "width_px", "message"),
    [
        (b"x", "exe", 1, r"is a \.exe file; \.jpg, \.png and \.webp can be stored"),
        (b"x", "../x", 1, r"is a \.\.\./x file"),
        (b"", "jpg", 1, "has 0 bytes and 1 x 1 px"),
        (b"x", "jpg", 0, "has 1 bytes and 0 x 1 px"),
    ],
)
def test_bad_page_is_refused_and_leaves_no_file(
    store: Store, document: Document, image: bytes, suffix: str, width_px: int, message: str
) -> None:
    with pytest.raises(StorageError, match=message):
        add_page(store, document.id, "a", image, suffix, width_px, 1)
    assert [path for path in (store.data_dir / "images").rglob("*") if path.is_file()] == []


def test_page_of_unknown_document_is_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="There is no document 5"):
        add_page(store, 5, "a", b"a", "png", 1, 1)


def test_pages_keep_the_order_of_their_upload(
    store: Store, document: Document, three: list[int]
) -> None:
    assert [one.page.id for one in pages_of(store, document.id)] == three
    assert [one.page.position for one in pages_of(store, document.id)] == [1, 2, 3]


def test_pages_are_counted_each_by_itself(
    store: Store, page: Page, lines: list[int], three: list[int]
) -> None:
    correct_line(store, lines[2], "x", "ignored", "Ada", None)
    first, *others = pages_of(store, page.document_id)
    assert (first.lines, first.machine, first.ignored) == (3, 2, 1)
    assert [(one.lines, one.machine) for one in others] == [(0, 0)] * 3


def test_same_image_is_reported(store: Store, page: Page) -> None:
    again = add_page(store, page.document_id, "again", b"image one", "jpg", 800, 600)
    elsewhere = add_document(store, "Other")
    add_page(store, elsewhere.id, "there", b"image one", "jpg", 800, 600)
    found = same_image_pages(store, page.document_id, page.sha256)
    assert [one.id for one in found] == [page.id, again.id]
    remove_page(store, page.id)
    assert [one.id for one in same_image_pages(store, page.document_id, page.sha256)] == [again.id]


def test_neighbours_count_from_one(store: Store, three: list[int]) -> None:
    first, second, third = three
    assert page_neighbours(store, first) == (None, second, 1, 3)
    assert page_neighbours(store, second) == (first, third, 2, 3)
    assert page_neighbours(store, third) == (second, None, 3, 3)


def test_removed_page_is_skipped_and_comes_back_in_its_place(
    store: Store, document: Document, three: list[int]
) -> None:
    first, second, third = three
    assert remove_page(store, second).removed is not None
    assert page_neighbours(store, first) == (None, third, 1, 2)
    with pytest.raises(NotFound, match=f"There is no page {second}"):
        page_neighbours(store, second)
    assert restore_page(store, second).removed is None
    assert [one.page.id for one in pages_of(store, document.id)] == three


def test_unknown_page_is_named(store: Store) -> None:
    for call in (page_by_number, remove_page, restore_page, page_neighbours):
        with pytest.raises(NotFound, match="There is no page 44"):
            call(store, 44)
