"""Names of files: safe on every system, and no two alike."""

from __future__ import annotations

import pytest

from exchange.file_names import MAX_STEM, safe_stem, split_ending, unused


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("Été 1847 (copy)", "Été 1847 (copy)"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a<b>:"|?*\\c\n', "a_b_______c_"),
        (" .. ", "page"),
        ("CON", "_CON"),
        ("nul.backup", "_nul.backup"),
        ("Письма 手紙", "Письма 手紙"),
        ("x" * 500, "x" * MAX_STEM),
    ],
)
def test_stem_holds_no_path_and_nothing_that_a_system_reserves(text: str, stem: str) -> None:
    assert safe_stem(text) == stem


def test_ending_is_what_looks_like_one() -> None:
    assert split_ending("a/b/scan 1.TIF") == ("scan 1", "TIF")
    assert split_ending("no. twelve") == ("no. twelve", "")
    assert split_ending(".jpg") == (".jpg", "")


def test_taken_names_are_numbered_without_regard_to_case() -> None:
    taken: set[str] = set()
    assert [unused(stem, taken) for stem in ("a", "A", "a", "a (2)")] == [
        "a", "A (2)", "a (3)", "a (2) (2)",
    ]  # fmt: skip
