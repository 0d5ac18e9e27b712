"""Pages in another order or another document; what was removed; the queue of pages to read."""

from __future__ import annotations

import pytest

from storage import (
    Document,
    NotFound,
    StorageError,
    Store,
    add_document,
    add_page,
    binned,
    binned_count,
    correct_line,
    fail_run,
    failed_pages,
    go_on_reading,
    is_reading_paused,
    open_store,
    page,
    page_neighbours,
    pages_of,
    pages_to_read,
    pause_reading,
    place_pages,
    queue_reading,
    remove_document,
    remove_page,
    restore_page,
    restore_places,
    runs,
    take_next_run,
)


@pytest.fixture
def four(store: Store, document: Document) -> list[int]:
    return [
        add_page(store, document.id, f"{name}.png", name.encode(), "png", 10, 20).id
        for name in "abcd"
    ]


def order(store: Store, document_id: int) -> list[int]:
    return [one.page.id for one in pages_of(store, document_id)]


def test_page_is_put_before_another_or_at_the_end(
    store: Store, document: Document, four: list[int]
) -> None:
    a, b, c, d = four
    place_pages(store, [c], document.id, a)
    assert order(store, document.id) == [c, a, b, d]
    place_pages(store, [a, c], document.id, None)
    assert order(store, document.id) == [b, d, a, c]
    assert page_neighbours(store, a) == (d, c, 3, 4)


def test_pages_that_stand_there_already_have_not_moved(
    store: Store, document: Document, four: list[int]
) -> None:
    assert place_pages(store, [four[1]], document.id, four[2]) == []


def test_former_places_bring_the_order_back(
    store: Store, document: Document, four: list[int]
) -> None:
    former = place_pages(store, [four[3], four[0]], document.id, four[1])
    restore_places(store, former)
    assert order(store, document.id) == four


def test_pages_go_to_another_document_with_their_waiting_work_and_come_back(
    store: Store, document: Document, four: list[int]
) -> None:
    other = add_document(store, "Other")
    own = add_page(store, other.id, "own.png", b"own", "png", 10, 20).id
    queue_reading(store, four[1])
    former = place_pages(store, [four[1], four[2]], other.id, own)
    assert order(store, other.id) == [four[1], four[2], own]
    assert order(store, document.id) == [four[0], four[3]]
    assert [run.page_id for run in runs(store, "read", document_id=other.id)] == [four[1]]
    restore_places(store, former)
    assert (order(store, document.id), order(store, other.id)) == (four, [own])
    assert runs(store, "read", document_id=other.id) == []


def test_removed_page_keeps_its_place_among_the_others(
    store: Store, document: Document, four: list[int]
) -> None:
    a, b, c, d = four
    remove_page(store, b)
    place_pages(store, [d], document.id, a)
    restore_page(store, b)
    assert order(store, document.id) == [d, a, b, c]


def test_senseless_places_are_refused_and_change_nothing(
    store: Store, document: Document, four: list[int]
) -> None:
    with pytest.raises(StorageError, match="cannot stand in two places"):
        place_pages(store, [four[0], four[0]], document.id)
    with pytest.raises(StorageError, match="nor before itself"):
        place_pages(store, [four[0]], document.id, four[0])
    with pytest.raises(NotFound, match="There is no page 99"):
        place_pages(store, [99], document.id)
    with pytest.raises(NotFound, match="There is no page 99 in document"):
        place_pages(store, [four[0]], document.id, 99)
    with pytest.raises(NotFound, match="There is no document 99"):
        place_pages(store, [four[0]], 99)
    assert order(store, document.id) == four


def test_bin_lists_pages_and_documents_the_latest_first(
    store: Store, document: Document, four: list[int], lines: list[int]
) -> None:
    (written,) = {page(store, one.page.id).id for one in pages_of(store, document.id) if one.lines}
    correct_line(store, lines[0], "x", "corrected", "Ada", None)
    other = add_document(store, "Other")
    remove_page(store, written)
    remove_document(store, other.id)
    found = binned(store)
    assert [(one.title, one.page_id, one.written) for one in found] == [
        ("Other", None, 0),
        ("Letters", written, 1),
    ]
    assert binned_count(store) == 2


def test_pages_of_a_removed_document_are_in_the_bin_with_it(
    store: Store, document: Document, four: list[int]
) -> None:
    remove_page(store, four[0])
    remove_document(store, document.id)
    assert [(one.page_id, one.pages) for one in binned(store)] == [(None, 3)]
    assert binned_count(store) == 1


def test_paused_queue_gives_out_no_page_until_it_goes_on(store: Store, four: list[int]) -> None:
    queue_reading(store, four[0])
    pause_reading(store)
    pause_reading(store)
    assert is_reading_paused(store)
    assert take_next_run(store, "read") is None
    with open_store(store.data_dir) as after_restart:
        assert take_next_run(after_restart, "read") is None
    go_on_reading(store)
    taken = take_next_run(store, "read")
    assert taken is not None and taken.page_id == four[0]


def test_pause_of_the_queue_stops_no_other_work(store: Store) -> None:
    from storage import add_run

    add_run(store, "export")
    pause_reading(store)
    assert take_next_run(store, "export") is not None


def test_pages_to_read_and_failed_ones_are_counted_without_the_bin(
    store: Store, document: Document, four: list[int]
) -> None:
    for page_id in four[:3]:
        queue_reading(store, page_id)
    taken = take_next_run(store, "read")
    assert taken is not None
    fail_run(store, taken.id, "broken")
    assert failed_pages(store, document.id) == [four[0]]
    assert pages_to_read(store) == 3
    remove_page(store, four[0])
    remove_page(store, four[1])
    assert (failed_pages(store, document.id), pages_to_read(store)) == ([], 2)
