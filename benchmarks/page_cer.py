"""Read whole pages and count the errors that a user meets: lines lost, cut badly, or invented.

python -m benchmarks.page_cer PAGES.zip [--model FILE] [--methods network,opencv] [--limit N]

The same recogniser reads the crops of our segmentation and the crops of the true baselines; the
difference of the two is what segmentation costs. Each true line is paired with the found line
that covers most of its baseline, a tenth at least (points weigh as in `segmentation_score`); a
found line serves one true line only, the one that it covers best. What a paired line reads is
compared with the text; a true line without partner counts as deleted; what a found line without
partner reads counts as inserted. So a line in two pieces pays twice: for the half that is missing
and for the piece too many.

Since the truth leaves text out (stamps, margins, the facing page), a second rate leaves out what
was read on spurious lines, those that lie on no true line by half or more; pieces still count. A
true line without text was not transcribed: it and its partner do not count at all.

Both texts are normalised alike: NFC, white space single (`htr.metrics`), and the marks of editors
dropped, which stand for nothing on the page: `>` and `<` around what is struck out, `⟦` and `⟧`,
and `^` before what is raised.
"""

from __future__ import annotations

import argparse
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.pages import BenchmarkError, TrueLine, TruePage, read_truth, spread
from benchmarks.segmentation_score import HALF, PIECE, overlap_of, pair_greedily
from htr.metrics import error_rate, line_errors
from segmentation import Line, SegmentationError, segment
from segmentation.encoding import decode_page
from segmentation.lines import ASIDE

TRUE_BASELINES = "true baselines"
EDITORIAL_MARKS = str.maketrans("", "", "><⟦⟧^")

Reader = Callable[[np.ndarray, Sequence[Line]], list[str]]
"""Page image and lines -> what is read on each of them."""

Segmenter = Callable[[np.ndarray], list[Line]]


@dataclass(frozen=True)
class PageErrors:
    """Edits on a page, of characters, and the length of its text.

    paired: within paired lines. deleted: of lines not found. inserted: read on lines that are no
    true line's partner; spurious: the part of these that was read on no true line at all.
    """

    characters: int
    paired: int
    deleted: int
    inserted: int
    spurious: int

    @property
    def edits(self) -> int:
        """All of the page's edits."""
        return self.paired + self.deleted + self.inserted


@dataclass(frozen=True)
class PageRate:
    """Character error rate of pages together, and without what was read on spurious lines."""

    cer: float
    cer_on: float
    paired: float
    deleted: float
    inserted: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its table; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", type=Path, metavar="PAGES.zip")
    parser.add_argument("--model", type=Path, help="default: the one that ships with the app")
    parser.add_argument("--methods", default="network,opencv")
    parser.add_argument("--limit", type=int, help="so many pages, spread over the archive")
    parser.add_argument("--threads", type=int, help="of the recogniser")
    options = parser.parse_args(arguments)
    try:
        pages = spread(read_truth(options.pages), options.limit)
        read, model = _reader(options.model, options.threads)
        segmenters = {name: partial(segment, method=name) for name in options.methods.split(",")}
        errors = measure(options.pages, pages, segmenters, read)
    except (BenchmarkError, SegmentationError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.pages.name}: {len(pages)} pages, read by {model}.\n")
    print(table(pages, errors))
    return 0


def measure(
    archive: Path, pages: Sequence[TruePage], segmenters: Mapping[str, Segmenter], read: Reader
) -> dict[str, list[PageErrors]]:
    """Return the errors of every page, for the true baselines and for each segmenter's."""
    errors: dict[str, list[PageErrors]] = {name: [] for name in (TRUE_BASELINES, *segmenters)}
    with zipfile.ZipFile(archive) as images:
        for number, page in enumerate(pages):
            print(f"page {number + 1} of {len(pages)}", end="\r", file=sys.stderr, flush=True)
            pixels = decode_page(images.read(page.file))
            lines_by_name = {TRUE_BASELINES: true_lines(page)}
            lines_by_name |= {name: _own_lines(find(pixels)) for name, find in segmenters.items()}
            for name, lines in lines_by_name.items():
                errors[name].append(errors_of(page.lines, lines, read(pixels, lines)))
    print(file=sys.stderr)
    return errors


def errors_of(truth: Sequence[TrueLine], lines: Sequence[Line], texts: Sequence[str]) -> PageErrors:
    """Return the errors of one page. texts: what was read on each of the found lines."""
    references = [plain(line.text) for line in truth]
    readings = [plain(text) for text in texts]
    characters = sum(len(text) for text in references)
    if not truth or not lines:
        inserted = sum(len(text) for text in readings)
        return PageErrors(characters, 0, characters, inserted, inserted)
    overlap = overlap_of(truth, [line.baseline for line in lines])
    covers = overlap.cover >= PIECE
    # The second term only settles ties, between true lines that lie on each other.
    pairs = dict(pair_greedily(np.where(covers, overlap.cover + 1e-6 * overlap.inside, 0)))
    partners = set(pairs.values())
    paired = deleted = inserted = spurious = 0
    for i, reference in enumerate(references):
        if reference and i in pairs:
            paired += line_errors(reference, readings[pairs[i]]).character_edits
        else:
            deleted += len(reference)
    for j, reading in enumerate(readings):
        if j not in partners:
            inserted += len(reading)
            spurious += len(reading) if overlap.on_any[j] < HALF else 0
    return PageErrors(characters, paired, deleted, inserted, spurious)


def rate_of(errors: Sequence[PageErrors]) -> PageRate:
    """Return the rates of the pages together: the sum of edits over the sum of characters."""
    characters = sum(page.characters for page in errors)
    edits = sum(page.edits for page in errors)
    return PageRate(
        cer=error_rate(edits, characters),
        cer_on=error_rate(edits - sum(page.spurious for page in errors), characters),
        paired=error_rate(sum(page.paired for page in errors), characters),
        deleted=error_rate(sum(page.deleted for page in errors), characters),
        inserted=error_rate(sum(page.inserted for page in errors), characters),
    )


def table(pages: Sequence[TruePage], errors: dict[str, list[PageErrors]]) -> str:
    """Return the rates of each way to segment, by source, in Markdown.

    A cell holds the CER without spurious lines, then with them; for all pages also the parts that
    the latter is made of.
    """
    head = ["page CER without / with spurious lines", "pages", *errors]
    rows = []
    for source in sorted({page.source for page in pages}):
        members = [k for k, page in enumerate(pages) if page.source == source]
        rates = [rate_of([found[k] for k in members]) for found in errors.values()]
        cells = [f"{rate.cer_on:.3f} / {rate.cer:.3f}" for rate in rates]
        rows.append([source, str(len(members)), *cells])
    rates = [rate_of(found) for found in errors.values()]
    base = rates[0]
    count = str(len(pages))
    rows += [
        ["all", count, *(f"{rate.cer_on:.3f} / {rate.cer:.3f}" for rate in rates)],
        ["points more than true baselines", count,
         *(f"{100 * (r.cer_on - base.cer_on):+.1f} / {100 * (r.cer - base.cer):+.1f}"
           for r in rates)],
        ["of which misread / deleted / inserted", count,
         *(f"{r.paired:.3f} / {r.deleted:.3f} / {r.inserted:.3f}" for r in rates)],
    ]  # fmt: skip
    lines = [f"| {' | '.join(row)} |" for row in [head, *rows]]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:]])


def _own_lines(lines: Sequence[Line]) -> list[Line]:
    """Return the lines that the app reads: those set aside wait for a person."""
    return [line for line in lines if line.kind != ASIDE]


def plain(text: str) -> str:
    """Return the text as it is compared; see the module."""
    unmarked = unicodedata.normalize("NFC", text).translate(EDITORIAL_MARKS)
    return " ".join(unmarked.split())


def true_lines(page: TruePage) -> list[Line]:
    """Return the lines that a person drew, without polygons, ready to be cropped."""
    return [Line(line.baseline, (), line.spacing_px) for line in page.lines]


def _reader(model: Path | None, threads: int | None) -> tuple[Reader, str]:
    """Return what reads lines with that model, or with the bundled one, and the file's name."""
    from htr.errors import RecognitionError
    from htr.pipeline import read_lines
    from htr.recognizer import Recognizer
    from htr.shipped import default_model_path

    try:
        path = model or default_model_path()
        recognizer = Recognizer.load(path, device="auto", threads=threads)
    except RecognitionError as error:
        raise BenchmarkError(str(error)) from error

    def read(pixels: np.ndarray, lines: Sequence[Line]) -> list[str]:
        return [line.transcript.text for line in read_lines(pixels, lines, recognizer)]

    return read, path.name


if __name__ == "__main__":
    sys.exit(main())
