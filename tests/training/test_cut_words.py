"""Pieces of lines are cut where the model finds the spaces, and only where it reads their text."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from htr.lines_data import LabelledLine, open_line_set
from htr.preprocess import line_width_px
from htr.recognizer import Recognizer
from htr.shipped import default_model_path
from synthesis.font import fonts
from synthesis.line import draw_line, sample_line_settings
from tests.htr.tiny import ALPHABET
from training.cut_words import MOST_WORDS, Piece, chosen_lines, cut_lines, cut_piece, main
from training.line_images import encode_png

STEP_PX = 4.0
A_LETTER = 5  # steps: a spike and four blanks


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def values_of(text: str, unsure_of: str = "") -> np.ndarray:
    """What a model would say that sees every character in the middle of five steps."""
    probabilities = np.full((len(text) * A_LETTER, ALPHABET.classes), 1e-4)
    probabilities[:, 0] = 0.99
    for at, (character, number) in enumerate(zip(text, ALPHABET.encode(text), strict=True)):
        spike = at * A_LETTER + A_LETTER // 2
        probabilities[spike, number] = 0.3 if character in unsure_of else 0.98
        probabilities[spike, 0] = 0.01
    return np.log(probabilities)


def cut(text: str, seed: int = 1, unsure_of: str = "") -> Piece | None:
    values = values_of(text, unsure_of)
    classes = tuple(ALPHABET.encode(text))
    width_px = round(len(values) * STEP_PX)
    return cut_piece(text, classes, values, STEP_PX, width_px, rng(seed))


def test_a_piece_is_cut_in_the_middle_of_the_spaces_around_it() -> None:
    pieces = {piece.text: piece for seed in range(40) if (piece := cut("ab cd éa", seed))}
    assert set(pieces) == {"ab", "cd", "éa", "ab cd", "cd éa"}
    first, second = 2.5 * A_LETTER * STEP_PX, 5.5 * A_LETTER * STEP_PX
    whole = 8 * A_LETTER * STEP_PX
    assert (pieces["ab"].start_px, pieces["ab"].end_px) == (0, first)
    assert (pieces["cd"].start_px, pieces["cd"].end_px) == (first, second)
    assert (pieces["cd éa"].start_px, pieces["cd éa"].end_px) == (first, whole)


def test_a_piece_has_few_words_and_is_never_the_whole_line() -> None:
    texts = [piece.text for seed in range(60) if (piece := cut("a b c d é", seed))]
    assert {len(text.split()) for text in texts} == set(range(1, MOST_WORDS + 1))
    assert cut("abcd") is None
    assert {len(cut("ab cd", seed).text) for seed in range(20)} == {2}


def test_what_the_model_does_not_read_there_is_not_cut() -> None:
    assert {piece.text for seed in range(40) if (piece := cut("ab cd", seed, unsure_of="d"))} == {
        "ab"
    }


def test_a_text_that_does_not_fit_into_its_line_is_not_cut() -> None:
    classes = tuple(ALPHABET.encode("ab cd"))
    for steps, fits in ((5, True), (4, False)):
        certain = np.zeros((steps, ALPHABET.classes))  # of everything
        piece = cut_piece("ab cd", classes, certain, 2 * STEP_PX, 8 * steps, rng())
        assert (piece is not None) == fits


def test_half_of_the_lines_hold_digits_where_there_are_enough() -> None:
    lines = [LabelledLine(str(n), "17 mai" if n % 10 == 0 else "mai", "", "") for n in range(200)]
    chosen = chosen_lines(lines, 20, 1)
    assert len(chosen) == 20 == len(set(chosen))
    assert sum("17" in line.text for line in chosen) == 10
    assert chosen == chosen_lines(lines, 20, 1) != chosen_lines(lines, 20, 2)
    assert sum("17" in line.text for line in chosen_lines(lines, 100, 1)) == 20
    assert len(chosen_lines(lines, 1000, 1)) == 200


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Four lines in a hand of the project, one of them a broken image."""
    rows = []
    with zipfile.ZipFile(tmp_path / "lines.zip", "w") as archive:
        for number, text in enumerate(
            ["le 17 mai 1850", "une lettre de Paris", "12 francs", "a b"]
        ):
            image, _ = draw_line(rng(number), text, sample_line_settings(rng(number)), fonts()[:1])
            data = encode_png(image) if number < 3 else b"no image"
            archive.writestr(f"{number}.png", data)
            rows.append(json.dumps({"file": f"{number}.png", "text": text, "page": "p"}))
        archive.writestr("labels.jsonl", "\n".join(rows))
    return tmp_path / "lines.zip"


def test_pieces_of_written_lines_are_a_set_of_lines_that_read_as_they_say(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "words.zip"
    assert main([str(written), "--model", str(default_model_path()), "--out", str(out)]) == 0
    with open_line_set(out) as pieces:
        assert f"{len(pieces.lines)} pieces" in capsys.readouterr().out
        assert 1 <= len(pieces.lines) <= 3
        texts = [line.text for line in pieces.lines]
        assert {text for text in texts if any(c.isdigit() for c in text)} <= {"17", "1850", "12"}
        read = Recognizer.load(default_model_path()).recognize(
            [pieces.image(one) for one in pieces.lines]
        )
    assert any(transcript.text == text for transcript, text in zip(read, texts, strict=True))


def test_a_source_that_is_none_is_reported(tmp_path: Path, capsys) -> None:
    (tmp_path / "no.zip").write_bytes(b"nothing")
    arguments = [str(tmp_path / "no.zip"), "--model", str(default_model_path())]
    assert main([*arguments, "--out", str(tmp_path / "out.zip")]) == 1
    assert "no.zip" in capsys.readouterr().err


def test_a_source_that_fails_leaves_the_archive_of_before(written: Path, tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"nothing")
    out = tmp_path / "out.zip"
    out.write_bytes(b"of before")
    sources = [str(written), str(tmp_path / "no.zip")]
    assert main([*sources, "--model", str(default_model_path()), "--out", str(out)]) == 1
    assert out.read_bytes() == b"of before"
    assert not list(tmp_path.glob("*.part"))


def test_nothing_is_cut_from_a_line_that_had_to_be_read_wider(tmp_path: Path) -> None:
    text = "une lettre de Paris et le 17 mai 1850 une autre de la maison "
    image, _ = draw_line(rng(), text * 3, sample_line_settings(rng()), fonts()[:1])
    dense = cv2.resize(image, (1400, 64), interpolation=cv2.INTER_AREA)
    recognizer = Recognizer.load(default_model_path())
    assert len(recognizer.log_probabilities([dense])[0]) * 4 > line_width_px(
        dense, recognizer.config
    )
    with zipfile.ZipFile(tmp_path / "lines.zip", "w") as archive:
        archive.writestr("0.png", encode_png(dense))
        archive.writestr("labels.jsonl", json.dumps({"file": "0.png", "text": text * 3}))
    with open_line_set(tmp_path / "lines.zip") as lines:
        assert list(cut_lines(lines, lines.lines, recognizer, 1)) == []
