"""Segment the same pages with ours and with the rivals, and print one table: quality and price.

python -m benchmarks.segmentation PAGES.zip [--rivals kraken,rapidocr|none] [--limit N]

`make bench-segmentation` makes the rivals' environment first. Every contestant runs in a process
of its own; they take turns page by page, the first of a page changing, so that whatever else the
machine does hits all alike. Reading the image, loading the weights and a first small page are not
timed. With --out, every answer is kept there, and a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from benchmarks.kept_answers import KeptAnswers, version_of_ours
from benchmarks.page_worker import Answer, Worker, WorkerError
from benchmarks.pages import BenchmarkError, TruePage, read_truth, spread
from benchmarks.segmentation_score import PageScore, mean_score, score_page

OURS = ("network", "opencv")
RIVALS = ("kraken", "rapidocr")
RIVALS_PYTHON = Path(".venv-rivals/bin/python")
REFERENCE = "network"  # CPU time is compared with this one's
HEAD = (
    "", "F1", "F1on", "P", "R", "missed", "spurious", "split", "merged", "next", "tau",
    "CPU s a page", "wall s a page (median)", "peak MB", "CPU / ours",
)  # fmt: skip


@dataclass
class Contestant:
    """A segmenter in the race: its name in the table, its process, its answers by page.

    failure: why it does not run, or no longer; such a contestant is not scored.
    """

    key: str
    name: str
    worker: Worker | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    failure: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its table; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", type=Path, metavar="PAGES.zip")
    parser.add_argument("--rivals", default=",".join(RIVALS), help='comma-separated, or "none"')
    parser.add_argument("--rivals-python", type=Path, default=RIVALS_PYTHON)
    parser.add_argument("--limit", type=int, help="so many pages, spread over the archive")
    parser.add_argument("--source", action="append", help="only pages of this source; repeatable")
    parser.add_argument(
        "--kraken-every",
        type=int,
        default=1,
        metavar="N",
        help="kraken takes every Nth page only: it is slow",
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each process")
    parser.add_argument("--out", type=Path, help="folder for the table and what was found")
    options = parser.parse_args(arguments)
    try:
        rivals = _chosen_rivals(options.rivals)
        pages = spread(_of_sources(read_truth(options.pages), options.source), options.limit)
        commands = {
            **{key: [sys.executable, "-m", "benchmarks.segmentation_ours", key] for key in OURS},
            **{key: [str(options.rivals_python), "-m", "benchmarks.segmentation_rivals", key]
               for key in rivals},
        }  # fmt: skip
        sparse = {"kraken": options.kraken_every}
        kept = KeptAnswers(
            options.out / "answers.jsonl" if options.out else None, options.pages, options.threads
        )
        contestants = race(options.pages, pages, commands, options.threads, sparse, kept)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    setting = (
        f"{date.today().isoformat()}, {options.pages.name}: {len(pages)} pages, "
        f"{sum(len(page.lines) for page in pages)} lines; {_machine()}, {options.threads} threads."
    )
    text = "\n\n".join([setting, table(pages, contestants), table_by_source(pages, contestants)])
    print(text)
    if options.out:
        _write(options.out, text, contestants)
    return 0


def race(
    archive: Path,
    pages: Sequence[TruePage],
    commands: Mapping[str, Sequence[str]],
    threads: int,
    every: Mapping[str, int] | None = None,
    kept: KeptAnswers | None = None,
) -> list[Contestant]:
    """Return the contestants with their answers, in the order of the commands.

    commands: by contestant, what starts its worker. threads: of each worker.
    every: contestants that take only every so many of the pages, by their key.
    kept: answers of a run that was stopped, and where new ones go.
    """
    kept = kept or KeptAnswers(None, archive, threads)
    contestants = []
    with ExitStack() as stack:
        for key, command in commands.items():
            contestant = Contestant(key, key)
            contestants.append(contestant)
            try:
                worker = Worker(command, threads)
            except WorkerError as error:
                contestant.failure = str(error)
                continue
            stack.callback(worker.close)
            contestant.worker = worker
            contestant.name = worker.version
        for number, page in enumerate(pages):
            print(f"page {number + 1} of {len(pages)}", end="\r", file=sys.stderr, flush=True)
            first = number % max(1, len(contestants))
            for contestant in contestants[first:] + contestants[:first]:
                step = (every or {}).get(contestant.key, 1)
                if number % step == step // 2:
                    _take_turn(contestant, archive, page, kept)
    print(file=sys.stderr)
    return contestants


def table(pages: Sequence[TruePage], contestants: Sequence[Contestant]) -> str:
    """Return the table of all contestants, in Markdown, with notes on what failed.

    A contestant that took part of the pages only is compared with ours on the same ones, which
    are a row of their own.
    """
    rows: list[tuple[str, ...]] = [HEAD]
    notes = []
    reference = next((c for c in contestants if c.key == REFERENCE and not c.failure), None)
    for contestant in contestants:
        if contestant.failure:
            rows.append((contestant.name, f"not run: {contestant.failure}") + ("",) * 13)
            continue
        name, ours = contestant.name, reference
        if len(contestant.answers) < len(pages):
            name = f"{name}, {len(contestant.answers)} of {len(pages)} pages"
            if reference:
                ours = _on_pages_of(reference, contestant)
                rows.append((f"{reference.name} on those of the next row",
                             *_quality(pages, ours), *_price(ours, ours)))  # fmt: skip
        price = _price(contestant, ours)
        if any(answer.polygon_cpu_s for answer in contestant.answers.values()):
            rows.append((f"{name}, with polygons", *_quality(pages, contestant), *price))
            bare = _without_polygons(contestant)
            rows.append((f"{name}, polygons' time left out", *("”",) * 10, *_price(bare, ours)))
        else:
            rows.append((name, *_quality(pages, contestant), *price))
        if any(answer.aside for answer in contestant.answers.values()):
            count = sum(len(answer.aside) for answer in contestant.answers.values())
            counted = _quality(pages, _with_lines_aside(contestant))
            rows.append((f"{name}, its {count} lines set aside counted too", *counted,
                         *("”",) * 4))  # fmt: skip
        failed = [answer.error for answer in contestant.answers.values() if answer.error]
        if failed:
            notes.append(f"{contestant.name} failed on {len(failed)} pages: {failed[0]}")
    return "\n\n".join([_markdown(rows), *notes])


def table_by_source(pages: Sequence[TruePage], contestants: Sequence[Contestant]) -> str:
    """Return F1 / F1on, and lines missed, split and merged, of each source; in Markdown."""
    running = [contestant for contestant in contestants if not contestant.failure]
    rows: list[tuple[str, ...]] = [
        ("F1 / F1on (missed, split + merged)", "pages", "lines", *(c.name for c in running))
    ]
    for source in sorted({page.source for page in pages}):
        members = [page for page in pages if page.source == source]
        cells = []
        for contestant in running:
            score = mean_score(_scores(members, contestant))
            part = f"{score.pages} pages: " if score.pages < len(members) else ""
            faults = f"({score.missed}, {score.split + score.merged})"
            cells.append(f"{part}{score.f1:.3f} / {score.f1on:.3f} {faults}")
        lines = sum(len(page.lines) for page in members)
        rows.append((source, str(len(members)), str(lines), *cells))
    return _markdown(rows)


def _of_sources(pages: Sequence[TruePage], sources: Sequence[str] | None) -> list[TruePage]:
    chosen = [page for page in pages if not sources or page.source in sources]
    if not chosen:
        raise BenchmarkError(f"The archive has no page of {', '.join(sources or ())}.")
    return chosen


def _take_turn(contestant: Contestant, archive: Path, page: TruePage, kept: KeptAnswers) -> None:
    if contestant.failure or contestant.worker is None:
        return
    ours = contestant.key in OURS
    version = version_of_ours(contestant.key) if ours else contestant.name
    answer = kept.of(version, page.file)
    try:
        if answer is None:
            answer = contestant.worker.segment(archive, page.file)
            kept.add(version, page.file, answer)
        contestant.answers[page.file] = answer
    except WorkerError as error:
        contestant.failure = f"{error} (after {len(contestant.answers)} pages)"


def _quality(pages: Sequence[TruePage], contestant: Contestant) -> tuple[str, ...]:
    score = mean_score(_scores(pages, contestant))
    rates = (score.f1, score.f1on, score.precision, score.recall)
    counts = (score.missed, score.spurious, score.split, score.merged)
    return (
        *(f"{rate:.3f}" for rate in rates),
        *(str(count) for count in counts),
        f"{score.next:.3f}",
        f"{score.tau:+.3f}",
    )


def _price(contestant: Contestant, reference: Contestant | None) -> tuple[str, ...]:
    answers = list(contestant.answers.values())
    if not answers:
        return ("–",) * 4
    cpu_s = statistics.fmean(answer.cpu_s for answer in answers)
    wall_s = statistics.median(answer.wall_s for answer in answers)
    peak_mb = max(answer.peak_bytes for answer in answers) / 1e6
    ratio = "–"
    if reference and reference.answers:
        ours_s = statistics.fmean(answer.cpu_s for answer in reference.answers.values())
        ratio = f"{cpu_s / ours_s:.1f}" if ours_s else "–"
    return f"{cpu_s:.2f}", f"{wall_s:.2f}", f"{peak_mb:.0f}", ratio


def _scores(pages: Sequence[TruePage], contestant: Contestant) -> list[PageScore]:
    answers = contestant.answers
    return [
        score_page(page.lines, answers[page.file].lines) for page in pages if page.file in answers
    ]


def _on_pages_of(contestant: Contestant, other: Contestant) -> Contestant:
    answers = {file: a for file, a in contestant.answers.items() if file in other.answers}
    return replace(contestant, answers=answers)


def _without_polygons(contestant: Contestant) -> Contestant:
    answers = {
        file: replace(
            answer,
            cpu_s=answer.cpu_s - answer.polygon_cpu_s,
            wall_s=answer.wall_s - answer.polygon_wall_s,
        )
        for file, answer in contestant.answers.items()
    }
    return replace(contestant, answers=answers)


def _with_lines_aside(contestant: Contestant) -> Contestant:
    answers = {
        file: replace(answer, lines=[*answer.lines, *answer.aside])
        for file, answer in contestant.answers.items()
    }
    return replace(contestant, answers=answers)


def _chosen_rivals(names: str) -> list[str]:
    chosen = [name for name in names.split(",") if name and name != "none"]
    unknown = set(chosen) - set(RIVALS)
    if unknown:
        raise BenchmarkError(
            f"There is no rival {', '.join(sorted(unknown))}; choose from {', '.join(RIVALS)}, "
            "or none."
        )
    return chosen


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]])


def _machine() -> str:
    try:
        rows = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [row.split(":", 1)[1].strip() for row in rows if row.startswith("model name")]
    except OSError:  # not Linux
        names = []
    return f"{os.cpu_count()} cores {names[0] if names else platform.processor()}".strip()


def _write(folder: Path, text: str, contestants: Sequence[Contestant]) -> None:
    """Write the table and, for `benchmarks.draw_pages`, the lines that were found."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.md").write_text(text + "\n", encoding="utf-8")
    for contestant in contestants:
        rows = [
            {
                "file": file,
                "lines": [{"baseline": line} for line in answer.lines],
                "aside": [{"baseline": line} for line in answer.aside],
            }
            for file, answer in contestant.answers.items()
        ]
        found = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{contestant.key}.jsonl").write_text(found, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
