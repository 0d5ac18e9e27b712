"""The search: what is asked finds the lines whose shown text answers, and no others."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

import storage
from storage import Model, NewLine, NewReading, Page, Question, Store
from storage.search_words import edits_between, folded_text, one_apart, words_of

Read = Callable[..., list[int]]


@pytest.fixture
def read(store: Store, page: Page, model: Model, new_line: Callable[[str], NewLine]) -> Read:
    """Puts lines with these readings onto the page; returns their numbers."""

    def put(*texts: str) -> list[int]:
        line_ids = storage.replace_lines(store, page.id, [new_line(t) for t in texts], model.id)
        storage.index_lines(store, 1000)
        return line_ids

    return put


def found(store: Store, text: str, **choice: int) -> list[int]:
    while storage.index_lines(store):
        pass
    question = Question(storage.question_of(text), {})
    return list(storage.find_lines(store, question, **choice).line_ids)


def misread(store: Store, text: str) -> list[int]:
    while storage.index_lines(store):
        pass
    question = storage.with_similar(store, storage.question_of(text))
    return list(storage.find_lines(store, question).line_ids)


def test_words_are_folded_and_keep_their_place() -> None:
    text = "l'Été de ſœur, ﬁn a\u0301b"
    words = words_of(text)
    assert [word.text for word in words] == ["l", "ete", "de", "soeur", "fin", "ab"]
    assert [text[word.start : word.end] for word in words] == [
        "l", "Été", "de", "ſœur", "ﬁn", "a\u0301b",
    ]  # fmt: skip


def test_marks_of_private_use_and_other_scripts_are_letters() -> None:
    assert folded_text("\ue8bf\uf1ac שָׁלוֹם — كتاب…") == "\ue8bf\uf1ac שלום كتاب"


def test_edits_are_letters_put_in_left_out_or_exchanged() -> None:
    pairs = [("abc", "acb"), ("", "ab"), ("a", "a"), ("abc", "axc"), ("abc", "bc")]
    assert [edits_between(first, second) for first, second in pairs] == [2, 2, 0, 1, 1]


@pytest.mark.parametrize("text", ["", "a", "ab", "aab", "abca"])
def test_texts_one_apart_are_all_those_with_one_edit(text: str) -> None:
    lengths = range(len(text) + 2)
    every = ("".join(letters) for many in lengths for letters in product("abc", repeat=many))
    assert one_apart(text, "abc") == {other for other in every if edits_between(text, other) == 1}


def test_words_are_found_in_any_order_without_case_and_accents(store: Store, read: Read) -> None:
    first, second, _ = read("Été à la campagne", "la campagne d'été", "la ville en été")
    assert found(store, "CAMPAGNE ete") == [first, second]


def test_quotes_find_words_in_their_order_only(store: Store, read: Read) -> None:
    first, second = read("grande douleur mais", "douleur grande mais")
    assert found(store, '"grande douleur" ') == [first]
    assert found(store, "grande douleur ") == [first, second]


def test_star_and_unfinished_last_word_find_beginnings(store: Store, read: Read) -> None:
    first, second = read("paroistre", "parole donnee")
    assert found(store, "paro* ") == [first, second]
    assert found(store, "donnee paro") == [second]
    assert found(store, "paro ") == []


def test_correction_is_found_at_once_and_the_old_reading_no_more(store: Store, read: Read) -> None:
    (line_id,) = read("douleut")
    storage.correct_line(store, line_id, "douleur", "corrected", "Ada", None)
    assert storage.lines_due(store) == 1
    assert found(store, "douleur") == [line_id]
    assert found(store, "douleut") == []


def test_return_to_the_machine_is_found_by_the_machines_text(store: Store, read: Read) -> None:
    (line_id,) = read("douleut")
    revision = storage.correct_line(store, line_id, "x", "corrected", "Ada", None)
    storage.correct_line(store, line_id, "whatever", "machine", "Ada", revision.id)
    assert found(store, "douleut") == [line_id]


def test_another_current_model_changes_what_is_found(
    store: Store, read: Read, model: Model
) -> None:
    (line_id,) = read("from the first")
    storage.set_current_model(store, model.id)
    second = storage.register_model(store, b"weights two", "Second", ["a"])
    storage.add_readings(store, second.id, {line_id: NewReading("from the second", 0.5)})
    assert found(store, "first") == [line_id]
    storage.set_current_model(store, second.id)
    assert (found(store, "first"), found(store, "second")) == ([], [line_id])


def test_switch_of_models_leaves_lines_alone_that_one_model_has_read(
    store: Store, read: Read, model: Model
) -> None:
    read("alone")
    storage.set_current_model(store, model.id)
    assert storage.lines_due(store) == 0


def test_removed_lines_pages_and_documents_are_not_found(
    store: Store, page: Page, read: Read
) -> None:
    first, second = read("wanted here", "wanted there")
    storage.remove_line(store, first)
    assert found(store, "wanted") == [second]
    storage.remove_page(store, page.id)
    assert found(store, "wanted") == []
    storage.restore_page(store, page.id)
    storage.restore_line(store, first)
    assert found(store, "wanted") == [first, second]
    storage.remove_document(store, page.document_id)
    assert found(store, "wanted") == []


def test_lines_of_a_new_segmentation_replace_the_old_ones(store: Store, read: Read) -> None:
    read("old words")
    (new,) = read("new words")
    assert found(store, "words") == [new]


def test_search_in_one_document_finds_nothing_of_others(store: Store, read: Read) -> None:
    (line_id,) = read("here")
    other = storage.add_document(store, "Other")
    assert found(store, "here", document_id=other.id) == []
    (document,) = [one.document for one in storage.documents(store) if one.lines]
    assert found(store, "here", document_id=document.id) == [line_id]


def test_portions_follow_each_other(store: Store, read: Read) -> None:
    line_ids = read("word", "word", "word")
    assert found(store, "word", most=2) == line_ids[:2]
    assert found(store, "word", most=2, after_id=line_ids[1]) == line_ids[2:]


def test_misread_words_are_found_apart_from_the_right_ones(store: Store, read: Read) -> None:
    right, minims, one_edit, _ = read("minime", "nunime est", "minime est ninime", "maxime")
    assert found(store, "minime ") == [right, one_edit]
    assert misread(store, "minime ") == [minims]


def test_misread_words_are_found_among_thousands_that_begin_or_end_alike(
    store: Store, read: Read
) -> None:
    letters = "dgilmnprt"  # neither these nor those that look like them are in "beso"
    others = [f"be{''.join(rest)}" for rest in product(letters, repeat=4)]
    others += [f"{a}{b}so" for a, b in product(letters, repeat=2)]
    rows = [" ".join(others[first : first + 200]) for first in range(0, len(others), 200)]
    *_, put_in, exchanged, left_out = read(*rows, "beszo", "besq", "bes")
    assert {put_in, exchanged, left_out} <= set(misread(store, "beso "))


def test_misread_words_of_other_scripts_are_found(store: Store, read: Read) -> None:
    first, second = read("пасьмо другу", "письмо другу")
    assert misread(store, "письмо ") == [first]
    assert found(store, "письмо ") == [second]


def test_misread_words_of_a_question_with_several_words(store: Store, read: Read) -> None:
    right, misreading, _ = read("la grande douleur", "la gnande doulevr", "la grande porte")
    assert found(store, "grande douleur ") == [right]
    assert misread(store, "grande douleur ") == [misreading]


@pytest.mark.parametrize(
    "text", ["", "   ", '"', "*", '""', "AND", "NEAR(", "x' OR 1", "{a b}: c", "-", "^a", "a:b"]
)
def test_no_question_breaks_the_search(store: Store, read: Read, text: str) -> None:
    read("and near x or 1 a b c")
    found(store, text)
    misread(store, text)


def test_spans_say_where_the_words_stand(store: Store, read: Read) -> None:
    text = "Une grande Douleur, grande"
    spans = storage.matching_spans(Question(storage.question_of('"grande douleur" une '), {}), text)
    assert [text[start:end] for start, end in spans] == ["Une", "grande", "Douleur"]


def test_places_count_from_one_without_removed_pages(store: Store, page: Page, read: Read) -> None:
    line_ids = read("a", "b")
    storage.add_page(store, page.document_id, "2", b"two", "jpg", 1, 1)
    place = storage.line_places(store, line_ids)[line_ids[1]]
    assert (place.number, place.page_number, place.page_id) == (2, 1, page.id)
    assert place.title == "Letters"
