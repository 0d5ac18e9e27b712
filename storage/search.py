"""The search over all text that is shown: what is asked, and the lines that answer it."""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.rows import Row
from storage.search_words import edits_between, folded_text, one_apart, skeleton_of, words_of
from storage.store import Store, select

MAX_QUESTION_CHARACTERS = 300
MAX_PARTS = 12
SHORTEST_BEGINNING = 2  # letters: a single one begins too many words to be of use
SHORTEST_FUZZY = 4  # letters: shorter words are alike by chance
MAX_SIMILAR = 40  # words that one word may have been misread as
LONGEST_FUZZY = 40  # letters: longer ones are no words
MAX_LETTERS = 80  # tried at each place of a word
_LOOKED_AT = 200  # words, for the letters in them
LAST = "\U0010ffff"  # sorts after all letters
_COUNTED = 1000  # lines; beyond, their number is told as "more than"

_PART = re.compile(r'"([^"]*)("?)|(\S+)')


@dataclass(frozen=True)
class Part:
    """One thing that a line must hold: folded words in this order; the last may be a beginning."""

    words: tuple[str, ...]
    begins: bool = False


@dataclass(frozen=True)
class Question:
    """What is asked for: lines that hold all parts; `similar` lists what else each may read as.

    similar: by folded word; empty where only the words themselves are asked for.
    """

    parts: tuple[Part, ...]
    similar: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class FoundLines:
    """Lines in the order in which they were read, and how many there are, counted up to a limit.

    more: there are more of them than `count`.
    """

    line_ids: tuple[int, ...]
    count: int
    more: bool


def question_of(text: str) -> tuple[Part, ...]:
    """Return the parts of a question as a person types it.

    Words must all be there, in any order; "words in quotes" in this order; a star after a word,
    or nothing after the last word, takes it as a beginning.
    """
    text = text[:MAX_QUESTION_CHARACTERS]
    parts = []
    for match in _PART.finditer(text):
        quoted, closing, plain = match.groups()
        words = tuple(folded_text(quoted if plain is None else plain).split())
        if not words:
            continue
        if plain is None:
            begins = not closing
        else:
            begins = plain.endswith("*") or match.end() == len(text)
        parts.append(Part(words, begins and len(words[-1]) >= SHORTEST_BEGINNING))
    return tuple(parts[:MAX_PARTS])


def with_similar(store: Store, parts: Sequence[Part]) -> Question:
    """Return the question that also takes words as which a machine may have misread them."""
    words = [
        word
        for part in parts
        for word in part.words
        if SHORTEST_FUZZY <= len(word) <= LONGEST_FUZZY
    ]
    return Question(tuple(parts), {word: _similar_words(store, word) for word in words})


def find_lines(
    store: Store,
    question: Question,
    document_id: int | None = None,
    after_id: int = 0,
    most: int = 30,
) -> FoundLines:
    """Return the first `most` lines with numbers above `after_id` that answer the question.

    With similar words it finds the lines that hold one of them, not those that hold the very
    words of the question.
    """
    match = _match(question)
    if not match:
        return FoundLines((), 0, False)
    bounds = _bounds(store, document_id)
    values = {"match": match, "document_id": document_id, **bounds}
    found = select(store, _FOUND, {**values, "low": max(bounds["low"], after_id + 1), "most": most})
    counted = select(store, f"SELECT count(*) AS lines FROM ({_FOUND})",
                     {**values, "most": _COUNTED + 1})  # fmt: skip
    count = int(counted[0]["lines"])
    line_ids = tuple(Row("line", row).integer("id") for row in found)
    return FoundLines(line_ids, min(count, _COUNTED), count > _COUNTED)


def matching_spans(question: Question, text: str) -> list[tuple[int, int]]:
    """Return where in a text the words stand that answer the question: [start, end) each."""
    words = words_of(text)
    spans: set[tuple[int, int]] = set()
    for part in question.parts:
        alike = [{word, *question.similar.get(word, ())} for word in part.words]
        for first in range(len(words) - len(alike) + 1):
            found = words[first : first + len(alike)]
            if all(
                word.text in wanted
                or (part.begins and place == len(alike) - 1
                    and word.text.startswith(part.words[-1]))
                for place, (word, wanted) in enumerate(zip(found, alike, strict=True))
            ):  # fmt: skip
                spans.update((word.start, word.end) for word in found)
    return sorted(spans)


# The words drive: they come in the order of the lines, and the search ends with the last one asked
# for. What was removed meanwhile is left out here.
_FOUND = """
SELECT line_search.rowid AS id FROM line_search
CROSS JOIN line ON line.id = line_search.rowid
CROSS JOIN page ON page.id = line.page_id
CROSS JOIN document ON document.id = page.document_id
WHERE line_search MATCH :match AND line_search.rowid BETWEEN :low AND :high
    AND line.replaced IS NULL AND line.removed IS NULL
    AND page.removed IS NULL AND document.removed IS NULL
    AND (:document_id IS NULL OR document.id = :document_id)
ORDER BY line_search.rowid LIMIT :most
"""


def _bounds(store: Store, document_id: int | None) -> dict[str, int]:
    """Return the lowest and highest number of a line of the document."""
    if document_id is None:
        return {"low": 0, "high": 2**62}
    rows = select(
        store,
        """SELECT coalesce(min(line.id), 1) AS low, coalesce(max(line.id), 0) AS high
        FROM page JOIN line ON line.page_id = page.id WHERE page.document_id = :id""",
        {"id": document_id},
    )
    row = Row("line", rows[0])
    return {"low": row.integer("low"), "high": row.integer("high")}


def _match(question: Question) -> str:
    """Return the question as FTS5 spells it; folded words hold nothing that it would take amiss."""
    groups = []
    alone = len(question.parts) == 1
    for part in question.parts:
        exact = f'"{" ".join(part.words)}"' + ("*" if part.begins else "")
        if len(part.words) == 1:
            others = [f'"{word}"' for word in question.similar.get(part.words[0], ())]
            # A word alone: the lines with the word itself are left out anyway.
            known = [] if alone and others else [exact]
            groups.append(f"({' OR '.join([*known, *others])})")
        else:
            # Words of a phrase that may be misread: all of them, in any order.
            alike = [
                " OR ".join(f'"{other}"' for other in (word, *question.similar.get(word, ())))
                for word in part.words
            ]
            loose = " AND ".join(f"({words})" for words in alike)
            groups.append(f"({loose})" if question.similar else exact)
    match = " AND ".join(groups)
    if not question.similar:
        return match
    if not any(question.similar.values()):
        return ""
    return f"({match}) NOT ({_match(Question(question.parts, {}))})"


def _similar_words(store: Store, word: str) -> tuple[str, ...]:
    """Return the words in the index that a machine may have made of `word`, the likeliest first.

    One letter apart, as they are written or once letters that look alike are taken as one. All
    that would be are made and looked up, which takes as long whatever the index holds.
    """
    skeleton = skeleton_of(word)
    letters = _letters(store, word)
    apart = one_apart(word, letters)
    rows = select(
        store,
        """SELECT word FROM search_word WHERE word IN (SELECT value FROM json_each(:words))
        UNION
        SELECT word FROM search_word WHERE skeleton IN (SELECT value FROM json_each(:skeletons))""",
        {
            "words": json.dumps(sorted(apart)),
            "skeletons": json.dumps(
                sorted({skeleton} | one_apart(skeleton, set(skeleton_of("".join(letters)))))
            ),
        },
    )
    # More letters may differ where all that do look alike.
    limit, limit_alike = max(1, len(word) // 3), max(1, len(word) // 2)
    near = []
    for other in {str(values["word"]) for values in rows} - {word}:
        most = limit_alike if skeleton_of(other) == skeleton else limit
        if most == 1 and letters.issuperset(other):  # made above, if it is near
            edits = 1 if other in apart else 2
        else:
            edits = edits_between(word, other)
        if edits <= most:
            near.append((edits, other))
    return tuple(other for _, other in heapq.nsmallest(MAX_SIMILAR, near))


def _letters(store: Store, word: str) -> set[str]:
    """Return the letters that words of the index are made of; of very many those near `word`'s.

    Those that begin or end a word, each found by one step into an index, past all words with the
    one before; and those within the words that begin as `word` does, of which some are looked at.
    """
    found = set(word)
    for column in ("word", "reversed"):
        rows = select(
            store,
            f"""WITH RECURSIVE first(letter) AS (
                SELECT substr(min({column}), 1, 1) FROM search_word
                UNION ALL
                SELECT (SELECT substr(min({column}), 1, 1) FROM search_word
                    WHERE {column} >= letter || :last)
                FROM first WHERE letter IS NOT NULL)
            SELECT letter FROM first WHERE letter IS NOT NULL""",
            {"last": LAST},
        )
        found.update(str(values["letter"]) for values in rows)
    rows = select(
        store,
        "SELECT word FROM search_word WHERE word >= :first LIMIT :most",
        {"first": word[0], "most": _LOOKED_AT},
    )
    found.update("".join(str(values["word"]) for values in rows))
    own = [ord(letter) for letter in word]
    nearest = sorted(found, key=lambda letter: min(abs(ord(letter) - code) for code in own))
    return set(nearest[:MAX_LETTERS])
