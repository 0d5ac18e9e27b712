from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htr.metrics import line_errors, normalise
from training.alignment import align, confusions, recalled

letters = st.text(alphabet="abc é", max_size=14)


@given(letters, letters)
@settings(max_examples=150, deadline=None)
def test_alignment_has_as_many_edits_as_the_error_rate_counts(true: str, read: str) -> None:
    steps = align(true, read)
    assert sum(s.kind != "same" for s in steps) == line_errors(true, read).character_edits


@given(letters, letters)
@settings(max_examples=150, deadline=None)
def test_alignment_spells_both_texts(true: str, read: str) -> None:
    steps = align(true, read)
    assert "".join(s.true for s in steps) == normalise(true)
    assert "".join(s.read for s in steps) == normalise(read)


@pytest.mark.parametrize(
    ("true", "read", "expected"),
    [
        ("lettre", "letire", [("substitution", "t", "i")]),
        ("lettre", "letre", [("deletion", "t", "")]),
        ("letre", "lettre", [("insertion", "", "t")]),
        ("a b", "ab", [("deletion", " ", "")]),
    ],
)
def test_misreadings_are_named(true: str, read: str, expected: list) -> None:
    steps = [s for s in align(true, read) if s.kind != "same"]
    assert [(s.kind, s.true, s.read) for s in steps] == expected


def test_confusions_are_counted_with_the_lines_they_occur_in() -> None:
    found = confusions(
        [("line-1", align("lo lo", "la la")), ("line-2", align("lot", "lat")), ("line-3", [])]
    )
    assert [(c.kind, c.true, c.read, c.count, c.examples) for c in found] == [
        ("substitution", "o", "a", 3, ("line-1", "line-2"))
    ]


def test_recall_counts_where_a_character_stands_and_is_read() -> None:
    assert recalled(align("bõ bõ bõ", "bõ bo b"), "õ") == (1, 3)


def test_monstrous_texts_are_not_laid_beside_each_other() -> None:
    steps = align("a" * 2000, "b" * 2000)
    assert [s.kind for s in steps] == ["substitution"]
