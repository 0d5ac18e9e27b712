"""How long a search takes among a million lines, and what the index costs whoever corrects.

python -m benchmarks.search [--lines 1000000] [--folder FOLDER] [--questions 200]

The database is generated: words drawn by Zipf's law from a made-up vocabulary of 50,000, nine a
line, one letter in twenty exchanged as a machine would misread it, forty lines a page. It stays in
FOLDER, so that a second run only measures. Questions are words of all frequencies, also misspelt,
several at once, beginnings and phrases; each is asked as the screen asks: the lines themselves, and
the lines that may be misread.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import storage
from services.search import LineSearch

LINES_A_PAGE = 40
LINES_A_DOCUMENT = 10_000
WORDS_A_LINE = 9
VOCABULARY = 50_000
MISREAD = 0.05  # of the letters
POLYGON = "[" + ",".join(f"[{x}.5,{y}.5]" for y in (40, 110) for x in range(100, 1900, 90)) + "]"
SYLLABLES = (
    "ba be bi bo ca ce ci co da de di do fa fe fi ga go ha he la le li lo lu ma me mi mo mu na ne "
    "ni no pa pe pi po qua que ra re ri ro sa se si so ta te ti to tre tri va ve vi vo ment tion"
).split()


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the database if need be, measure, print one table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("test-artefacts/search"))
    parser.add_argument("--questions", type=int, default=200)
    chosen = parser.parse_args(arguments)
    words = vocabulary(random.Random(7))
    with storage.open_store(chosen.folder / f"data-{chosen.lines}", check=False) as store:
        fill(store, words, chosen.lines)
        search = LineSearch(store)
        print(f"{chosen.lines:,} lines; {megabytes(store):,.0f} MB; ms, {chosen.questions} each")
        print(
            "| question | median | p95 | most | CPU median | CPU p95 |\n|---|---|---|---|---|---|"
        )
        for name, ask in questions(search, words, random.Random(11)):
            print(row(name, times_ms(ask, chosen.questions)))
        print(row("saving a correction", times_ms(saving(store), chosen.questions)))
        print(row("indexing it", times_ms(indexing(store), chosen.questions)))
    return 0


def vocabulary(drawn: random.Random) -> list[str]:
    """Return made-up words, the short ones first, as in a language."""
    words: set[str] = set()
    while len(words) < VOCABULARY:
        words.add("".join(drawn.choices(SYLLABLES, k=drawn.choice((1, 2, 2, 3, 3, 4)))))
    return sorted(words, key=lambda word: (len(word), word))


def fill(store: storage.Store, words: Sequence[str], lines: int) -> None:
    """Put so many lines into the store, read by one model, and index them; go on if interrupted.

    The rows are written as `storage.replace_lines` does, but many at once; the index is made by
    `storage.index_lines`.
    """
    started_s = time.monotonic()
    model = storage.register_model(store, b"no weights", "made up", ["a"])
    storage.set_current_model(store, model.id)
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))
    store.db.execute("PRAGMA synchronous = OFF")  # nothing here is worth waiting for the disk
    for start in range(storage.line_counts(store).lines, lines, LINES_A_DOCUMENT):
        drawn = random.Random(start)
        many = min(LINES_A_DOCUMENT, lines - start)
        with storage.write(store):
            document = storage.add_document(store, f"box {start}")
            chosen = drawn.choices(words, cum_weights=weights, k=WORDS_A_LINE * many)
            lists = (chosen[n : n + WORDS_A_LINE] for n in range(0, len(chosen), WORDS_A_LINE))
            texts = [_misread(" ".join(line), drawn) for line in lists]
            for first in range(0, many, LINES_A_PAGE):
                _put_page(store, document.id, model.id, texts[first : first + LINES_A_PAGE])
        while storage.index_lines(store, 5000):
            pass
        store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        passed_s = time.monotonic() - started_s
        print(f"{start + many:,} lines after {passed_s:.0f} s", file=sys.stderr, flush=True)
    store.db.execute("PRAGMA synchronous = FULL")


def questions(
    search: LineSearch, words: Sequence[str], drawn: random.Random
) -> list[tuple[str, Callable[[], None]]]:
    """Return what is measured, by name; each call asks another question."""

    def word(low: int, high: int) -> str:
        return words[drawn.randrange(low, high)]

    def ask(make: Callable[[], str], similar: bool = False) -> Callable[[], None]:
        def asked() -> None:
            search.find(make(), similar=similar)

        return asked

    def misspelt() -> str:
        right = word(2_000, VOCABULARY)
        place = drawn.randrange(len(right))
        return f"{right[:place]}{drawn.choice('aeinrst')}{right[place + 1 :]} "

    return [
        ("one of the 20 commonest words", ask(lambda: word(0, 20) + " ")),
        ("a common word", ask(lambda: word(20, 2_000) + " ")),
        ("a rare word", ask(lambda: word(2_000, VOCABULARY) + " ")),
        ("three words", ask(lambda: f"{word(0, 200)} {word(0, 200)} {word(200, 2_000)} ")),
        ("two common words as a phrase", ask(lambda: f'"{word(0, 50)} {word(0, 50)}" ')),
        ("a beginning of two letters", ask(lambda: word(20, VOCABULARY)[:2] + "*")),
        ("a beginning of four letters", ask(lambda: word(2_000, VOCABULARY)[:4] + "*")),
        ("perhaps misread: a common word", ask(lambda: word(200, 2_000) + " ", True)),
        ("perhaps misread: a rare word", ask(lambda: word(2_000, VOCABULARY) + " ", True)),
        ("perhaps misread: a misspelt word", ask(misspelt, True)),
        (
            "perhaps misread: two words",
            ask(lambda: f"{word(200, 2_000)} {word(200, 2_000)} ", True),
        ),
    ]


def saving(store: storage.Store) -> Callable[[], None]:
    """Return a call that corrects another line each time."""
    lines = iter(range(1, 10**9))

    def save() -> None:
        line_id = next(lines)
        known = storage.line_text(store, line_id).parent_id
        storage.correct_line(store, line_id, f"text {time.monotonic()}", "corrected", "a", known)

    return save


def indexing(store: storage.Store) -> Callable[[], None]:
    """Return a call that indexes what is due."""

    def index() -> None:
        storage.index_lines(store, 1)

    return index


def times_ms(act: Callable[[], None], times: int) -> list[tuple[float, float]]:
    """Return how long each of so many calls took, by the clock and of the processor."""
    taken_ms = []
    for _ in range(times):
        started_s, started_cpu_s = time.perf_counter(), time.thread_time()
        act()
        passed = time.perf_counter() - started_s, time.thread_time() - started_cpu_s
        taken_ms.append((1000 * passed[0], 1000 * passed[1]))
    return taken_ms


def row(name: str, taken_ms: Sequence[tuple[float, float]]) -> str:
    """Return a row of the table."""
    clock, cpu = (sorted(column) for column in zip(*taken_ms, strict=True))
    high = int(0.95 * (len(clock) - 1))
    figures = statistics.median(clock), clock[high], clock[-1], statistics.median(cpu), cpu[high]
    return f"| {name} | {' | '.join(f'{figure:.1f}' for figure in figures)} |"


def megabytes(store: storage.Store) -> float:
    """Return the size of the database."""
    return store.database_path.stat().st_size / 1e6


def _misread(text: str, drawn: random.Random) -> str:
    letters = list(text)
    for _ in range(round(drawn.expovariate(1 / (MISREAD * len(letters))))):
        place = drawn.randrange(len(letters))
        if letters[place] != " ":
            letters[place] = drawn.choice("abcdefghijklmnopqrstuvwxyz")
    return "".join(letters)


def _put_page(store: storage.Store, document_id: int, model_id: int, texts: Sequence[str]) -> None:
    db, now = store.db.conn, store.now()
    page_id = db.execute(
        """INSERT INTO page (document_id, position, name, sha256, suffix, width_px, height_px,
            state, message, created)
        VALUES (?, 1, 'a page', ?, 'jpg', 2000, 3000, 'ready', '', ?)""",
        (document_id, "0" * 64, now),
    ).lastrowid
    first = db.execute("SELECT coalesce(max(id), 0) + 1 FROM line").fetchone()[0]
    db.executemany(
        """INSERT INTO line (id, page_id, position, baseline, polygon, spacing_px, kind, flags,
            created) VALUES (?, ?, ?, '[[100,100],[1900,100]]', ?, 60, 'text', '[]', ?)""",
        [(first + n, page_id, n, POLYGON, now) for n in range(len(texts))],
    )
    db.executemany(
        """INSERT INTO reading (line_id, model_id, text, confidence, characters, crop_width_px,
            created) VALUES (?, ?, ?, 0.9, ?, ?, ?)""",
        [
            (first + n, model_id, text, _characters(text), 20.0 * len(text), now)
            for n, text in enumerate(texts)
        ],
    )


def _characters(text: str) -> str:
    return f"[{','.join(map(''.join, zip(_OPENED * len(text), text, _PLACES, strict=False)))}]"


_OPENED = ('["',)
_PLACES = tuple(f'",0.9123,{20 * n}.25,{20 * n + 18}.75]' for n in range(500))


if __name__ == "__main__":
    sys.exit(main())
