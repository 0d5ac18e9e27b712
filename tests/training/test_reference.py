from __future__ import annotations

import numpy as np
import pytest

from htr.alphabet import Alphabet
from training.lines import thinned
from training.reference import MAX_WIDTH_PX, drawn_lines, part_of_page

LATIN = Alphabet(tuple(" abcdefghijklmnopqrstuvwxyzéè.,'"))


@pytest.mark.parametrize("part", ["reference", "replay"])
def test_drawn_lines_ask_only_for_what_the_base_model_can_write(part) -> None:
    lines = drawn_lines(LATIN, 3, 8, part)
    assert len(lines) == 8
    for line in lines:
        assert line.text.strip() and not LATIN.unknown(line.text)
        assert line.image.dtype == np.uint8
        assert line.image.shape[0] == 64 and 1 <= line.image.shape[1] <= MAX_WIDTH_PX


def test_reference_and_replay_share_no_hand_and_no_key() -> None:
    reference, replay = (drawn_lines(LATIN, 3, 8, part) for part in ("reference", "replay"))
    assert not {line.page for line in reference} & {line.page for line in replay}
    assert not {line.key for line in reference} & {line.key for line in replay}


def test_the_same_seed_draws_the_same_lines() -> None:
    one, two = drawn_lines(LATIN, 3, 3, "replay"), drawn_lines(LATIN, 3, 3, "replay")
    assert [line.text for line in one] == [line.text for line in two]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, two, strict=True))
    assert [line.text for line in drawn_lines(LATIN, 4, 3, "replay")] != [line.text for line in one]


def test_a_script_without_a_font_gets_no_drawn_lines() -> None:
    assert drawn_lines(Alphabet(("\u0627", "\u0628")), 3, 4, "reference") == []


def test_pages_keep_their_part_and_both_parts_get_some() -> None:
    parts = [part_of_page(f"{number:064x}") for number in range(100)]
    assert parts == [part_of_page(f"{number:064x}") for number in range(100)]
    assert 30 < parts.count("reference") < 70


def test_thinning_keeps_lines_from_all_over() -> None:
    assert thinned(range(100), 5) == [0, 24, 49, 74, 99]
    assert thinned(range(3), 5) == [0, 1, 2]
