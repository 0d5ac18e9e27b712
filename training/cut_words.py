"""Cut words and numbers out of labelled lines: `python -m training.cut_words --help`.

Lines of running text teach a model little about a word or a number that stands alone, as in the
cells of a table: it has leaned on the words beside it. So pieces of a few words are cut out of
lines, where a model that reads them already finds the spaces between, and learned beside them.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from htr.beam import align
from htr.errors import RecognitionError
from htr.lines_data import LABELS_NAME, LabelledLine, LineSet, open_line_set
from htr.model import PX_PER_STEP
from htr.preprocess import bucket_width, line_width_px
from htr.recognizer import Recognizer
from training.errors import TrainingError
from training.line_images import encode_png
from training.losses import lines_without_room

MOST_WORDS = 3  # of a piece
LINES_AT_ONCE = 64
SUREST = 0.5
"""The model must give every character of a piece such a probability, or the piece is not cut: its
text may not be what stands there."""

_WORD = re.compile(r"[^ ]+")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Piece:
    """A piece of a line: its text, and the columns [start, end) of the line's image, in px."""

    text: str
    start_px: int
    end_px: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 something failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", type=Path, nargs="+", metavar="SOURCE", help="labelled lines")
    parser.add_argument("--model", type=Path, required=True, help="reads the lines")
    parser.add_argument("--out", type=Path, required=True, help="zip archive to write")
    parser.add_argument("--lines", type=int, default=10_000, help="so many of each source")
    parser.add_argument("--seed", type=int, default=1, help="of all chance")
    parser.add_argument("--threads", type=int, default=None, help="of torch")
    options = parser.parse_args(arguments)
    try:
        recognizer = Recognizer.load(options.model, threads=options.threads)
        count = write_pieces(options.sources, recognizer, options.out, options.lines, options.seed)
    except (RecognitionError, TrainingError) as error:
        print(f"cut_words: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cut_words: {options.out}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(f"{count} pieces were cut into {options.out}")
    return 0


def write_pieces(
    sources: Sequence[Path], recognizer: Recognizer, out: Path, lines: int, seed: int
) -> int:
    """Write a set of labelled pieces, one of each line at most; return how many there are.

    lines: of each source, see `chosen_lines`. `out` is only replaced when all are cut.

    Raises RecognitionError for a source that cannot be read, OSError where `out` cannot be written.
    """
    unfinished = out.with_name(f"{out.name}.part")
    try:
        with zipfile.ZipFile(unfinished, "w") as archive:
            rows: list[str] = []
            for source in sources:
                with open_line_set(source) as line_set:
                    chosen = chosen_lines(line_set.lines, lines, seed)
                    for line, piece, image in cut_lines(line_set, chosen, recognizer, seed):
                        file = f"{len(rows):07d}.png"
                        archive.writestr(file, encode_png(image))
                        row = {"file": file, "text": piece.text, "source": line.source}
                        rows.append(json.dumps(row | {"page": line.page}, ensure_ascii=False))
            archive.writestr(LABELS_NAME, "\n".join(rows))
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return len(rows)


def chosen_lines(lines: Sequence[LabelledLine], count: int, seed: int) -> list[LabelledLine]:
    """Return so many of the lines at random; half of them hold digits where there are enough.

    Numbers are rare in running text, and most of what stands alone in tables.
    """
    order = np.random.default_rng([seed, 0]).permutation(len(lines))
    numbered = [int(n) for n in order if _DIGIT.search(lines[n].text)][: (count + 1) // 2]
    taken = set(numbered)
    others = [int(n) for n in order if int(n) not in taken][: count - len(numbered)]
    return [lines[n] for n in sorted(numbered + others)]


def cut_lines(
    line_set: LineSet, lines: Sequence[LabelledLine], recognizer: Recognizer, seed: int
) -> Iterator[tuple[LabelledLine, Piece, np.ndarray]]:
    """Yield every line that a piece was cut from, the piece, and its image: uint8, gray (H, W).

    Left out: lines whose image cannot be read, lines with characters that the model lacks, lines
    that it had to read wider than it was taught, and pieces that it does not read as their text
    says.
    """
    known = [line for line in lines if not recognizer.alphabet.unknown(line.text)]
    for first in range(0, len(known), LINES_AT_ONCE):
        images = {}
        for line in known[first : first + LINES_AT_ONCE]:
            with suppress(RecognitionError):
                images[line] = line_set.image(line)
        values = recognizer.log_probabilities(list(images.values()))
        for (line, image), value in zip(images.items(), values, strict=True):
            wide = line_width_px(image, recognizer.config)
            if len(value) * PX_PER_STEP != bucket_width(wide, recognizer.config):
                continue  # read again, wider: its steps are of another length
            classes = tuple(recognizer.alphabet.encode(line.text))
            px_per_step = PX_PER_STEP * image.shape[1] / wide
            rng = np.random.default_rng([seed, 1, *line.file.encode()])
            piece = cut_piece(line.text, classes, value, px_per_step, image.shape[1], rng)
            if piece is not None:
                yield line, piece, image[:, piece.start_px : piece.end_px]


def cut_piece(
    text: str,
    classes: tuple[int, ...],
    log_probabilities: np.ndarray,
    px_per_step: float,
    width_px: int,
    rng: np.random.Generator,
) -> Piece | None:
    """Return one to MOST_WORDS words of the line, cut in the middle of the spaces around them.

    classes: of the text, one a character. log_probabilities: (T, V), the line's; T counts its
    padding. A single word with digits is taken where there is one. None where the piece would be
    the whole line, or the model is not sure of each of its characters.
    """
    words = list(_WORD.finditer(text))
    if len(words) < 2 or len(classes) != len(text):
        return None
    if lines_without_room([len(log_probabilities)], [classes]):
        return None
    numbers = [n for n, word in enumerate(words) if _DIGIT.search(word.group())]
    if numbers:
        first = last = int(rng.choice(numbers))
    else:
        count = int(rng.integers(1, min(MOST_WORDS, len(words) - 1) + 1))
        first = int(rng.integers(0, len(words) - count + 1))
        last = first + count - 1
    begin, end = words[first].start(), words[last].end()
    spans = align(log_probabilities, classes)
    for at in range(begin, end):
        start, stop = spans[at]
        if np.exp(log_probabilities[start:stop, classes[at]].max()) < SUREST:
            return None
    start_px = _middle(spans[begin - 1]) * px_per_step if begin else 0.0
    end_px = _middle(spans[end]) * px_per_step if end < len(text) else float(width_px)
    if end_px - start_px < PX_PER_STEP:
        return None
    return Piece(text[begin:end], round(start_px), min(width_px, round(end_px)))


def _middle(span: tuple[int, int]) -> float:
    return (span[0] + span[1]) / 2


if __name__ == "__main__":
    sys.exit(main())
