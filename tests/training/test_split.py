from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.corrected_lines import corrected, image_sha256, pages_of
from training.split import MIN_LINES, split_by_page

sizes = st.dictionaries(st.integers(1, 40), st.integers(1, 30), min_size=1, max_size=12)
pins = st.dictionaries(st.integers(1, 40), st.booleans(), max_size=6)
pages = st.sets(st.integers(1, 40), max_size=12)


@given(sizes, pins, pages, pages)
@settings(max_examples=80, deadline=None)
def test_every_line_either_teaches_or_tests(sizes, pinned, trained, tested) -> None:
    lines = pages_of(sizes)
    split = split_by_page(
        lines, pinned, map(image_sha256, trained), [image_sha256(one) for one in tested]
    )
    assert sorted(split.train_ids + split.test_ids) == sorted(line.line_id for line in lines)


@given(sizes, pins, pages)
@settings(max_examples=80, deadline=None)
def test_pages_are_never_split_between_training_and_test(sizes, pinned, trained) -> None:
    split = split_by_page(pages_of(sizes), pinned, {image_sha256(one) for one in trained})
    if split.kind != "block":
        assert not set(split.train_pages) & set(split.test_pages)


@given(sizes, pins)
@settings(max_examples=80, deadline=None)
def test_pins_are_always_obeyed(sizes, pinned) -> None:
    split = split_by_page(pages_of(sizes), pinned)
    to_test = {page for page, test in pinned.items() if test and page in sizes}
    to_teach = {page for page, test in pinned.items() if not test}
    assert not to_teach & set(split.test_pages)
    assert to_test <= set(split.test_pages)
    if to_test:
        assert set(split.test_pages) == to_test


@given(st.lists(st.integers(1, 30), min_size=2, max_size=12))
@settings(max_examples=80, deadline=None)
def test_of_two_pages_or_more_at_least_one_tests_and_one_teaches(counts) -> None:
    lines = pages_of(dict(enumerate(counts, start=1)))
    split = split_by_page(lines, {})
    if len(lines) >= MIN_LINES:
        assert split.kind == "pages"
        assert split.test_ids and split.train_ids
    else:
        assert split.kind == "none" and not split.test_ids


@given(sizes, st.randoms())
@settings(max_examples=80, deadline=None)
def test_split_does_not_depend_on_the_order_of_pages(sizes, random) -> None:
    shuffled = list(sizes)
    random.shuffle(shuffled)
    ordered = split_by_page(pages_of(sizes), {})
    other = split_by_page(pages_of({page: sizes[page] for page in shuffled}), {})
    assert set(ordered.test_pages) == set(other.test_pages)


@given(sizes, pages)
@settings(max_examples=80, deadline=None)
def test_pages_that_taught_do_not_test_while_there_are_others(sizes, trained) -> None:
    split = split_by_page(pages_of(sizes), {}, {image_sha256(one) for one in trained})
    if split.kind == "pages" and set(sizes) - trained:
        assert not set(split.test_pages) & trained
        assert split.warnings == ()


def test_about_a_fifth_of_the_lines_test() -> None:
    split = split_by_page(pages_of({page: 30 for page in range(1, 11)}), {})
    assert len(split.test_ids) == 60
    assert split.explanation == "8 pages will teach the model, 2 pages (60 lines) will test it."


def test_page_that_tested_tests_again_when_more_pages_are_corrected() -> None:
    first = split_by_page(pages_of({1: 20, 2: 20, 3: 20, 4: 20, 5: 20}), {})
    trained = {image_sha256(page) for page in first.train_pages}
    tested = {image_sha256(page) for page in first.test_pages}
    later = split_by_page(pages_of({page: 20 for page in range(1, 21)}), {}, trained, tested)
    assert set(first.test_pages) <= set(later.test_pages)
    assert not set(first.train_pages) & set(later.test_pages)


def test_pages_that_all_taught_may_test_but_it_is_said() -> None:
    lines = pages_of({1: 10, 2: 10, 3: 10})
    split = split_by_page(lines, {}, {image_sha256(page) for page in (1, 2, 3)})
    assert len(split.test_pages) == 1
    assert split.warnings == (
        "The page that tests the model has taught an earlier version of it: the current model "
        "knows by heart what it is asked, and the comparison says less. Correct a page that no "
        "model has learned from; it will test the next one.",
    )


def test_two_uploads_of_the_same_image_are_one_page() -> None:
    lines = [
        corrected(n, "words", page_id=1 + n % 2, position=n, sha256=image_sha256(1))
        for n in range(1, 21)
    ]
    assert split_by_page(lines, {}).kind == "block"


def test_of_two_uploads_pinned_to_either_side_the_test_wins() -> None:
    lines = [
        corrected(1, "a", page_id=1, sha256=image_sha256(1)),
        corrected(2, "a", page_id=2, sha256=image_sha256(1)),
        corrected(3, "b", page_id=3),
    ]
    split = split_by_page(lines, {1: True, 2: False})
    assert split.test_ids == (1, 2)


def test_a_single_page_gives_its_last_lines_and_says_so() -> None:
    split = split_by_page(pages_of({7: 20}), {})
    assert split.kind == "block"
    assert split.test_ids == (17, 18, 19, 20)
    assert split.explanation.startswith(
        "Only one page is corrected: its first 16 lines will teach the model, its last 4 will test"
    )


def test_eight_lines_of_a_single_page_keep_three_for_the_test() -> None:
    assert split_by_page(pages_of({7: 8}), {}).test_ids == (6, 7, 8)


def test_block_lines_that_taught_are_told() -> None:
    lines = pages_of({7: 10})
    split = split_by_page(lines, {}, {image_sha256(7)}, (), {9})
    assert split.test_ids == (8, 9, 10)
    assert split.warnings[0].startswith("1 of the 3 lines that test the model has taught")


def test_line_numbers_of_another_data_folder_mean_nothing() -> None:
    assert split_by_page(pages_of({7: 10}), {}, (), (), {9}).warnings == ()


def test_too_few_lines_all_teach_and_nothing_can_be_proven() -> None:
    split = split_by_page(pages_of({1: 4, 2: 3}), {})
    assert split.kind == "none"
    assert split.explanation == (
        "All 7 lines will teach the model and none will test it: fewer than 8 lines are too few "
        "to prove anything."
    )


def test_the_only_page_pinned_to_the_test_leaves_nothing_to_learn_from() -> None:
    split = split_by_page(pages_of({1: 20}), {1: True})
    assert split.train_ids == ()
    assert split.explanation == (
        "All corrected pages are held out for testing, so there is nothing to learn from. "
        "Release a page, or correct another one."
    )


def test_no_lines_give_an_empty_split() -> None:
    split = split_by_page([], {})
    assert (split.kind, split.explanation) == ("none", "No line is corrected yet.")
