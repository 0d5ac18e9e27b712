"""What is ready to learn from, as the browser gets it: the survey with its pages and pictures."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection

import storage
from htr.metrics import normalise
from services.services import line_version
from storage.records import TrainingLine
from training.survey import WORTHWHILE_LINES, Survey
from training.suspicion import Suspicion
from training.unknown_characters import Example, UnknownCharacter
from ui.answers import Answer

MAX_CHARACTERS = 60  # unknown characters that are shown with their examples; more is another script
CUT = "\N{HORIZONTAL ELLIPSIS}"
MAX_EXAMPLES = 4  # of each
DOTTED_CIRCLE = "\N{DOTTED CIRCLE}"


def survey_view(
    store: storage.Store, survey: Survey, document_ids: Collection[int] | None
) -> Answer:
    """Return the survey for the browser; document_ids: those that it was asked for, None: all."""
    lines = storage.training_lines(store, None if document_ids is None else list(document_ids))
    numbers = _page_numbers(store, lines)
    split = survey.split
    return {
        "lines": survey.lines,
        "pages": survey.pages,
        "worth_from": WORTHWHILE_LINES,
        "can_start": survey.can_start,
        "documents": _documents(store, document_ids),
        "teach": {"lines": len(split.train_ids), "pages": len(split.train_pages)},
        "test": {"lines": len(split.test_ids), "pages": len(split.test_pages)},
        "kind": split.kind,
        "explanation": split.explanation,
        "advice": list(survey.advice),
        "page_list": _page_list(store, survey, lines, numbers),
        "model": {"name": survey.model_name, "cer": survey.cer},
        "unknown": [_character(store, found) for found in survey.unknown[:MAX_CHARACTERS]],
        "suspicious": [_suspicion(store, found, numbers) for found in survey.suspicious],
    }


def character_words(found: UnknownCharacter) -> str:
    """Return what the character is: its code point, name, parts, and what it combines with."""
    words = [f"{found.code_point} {found.name}"]
    if found.decomposed:
        parts = " + ".join(_shown(part) for part in found.decomposed)
        words.append(f"kept as one character (NFC), made of {parts}")
    if found.combining:
        bases = ", ".join(f"{base or 'nothing'} ({n})" for base, n in found.combines_with[:8])
        words.append(f"combines with {bases}" if bases else "stands alone")
    if found.is_rare:
        words.append("too rare to be learned well")
    return "; ".join(words)


def _documents(store: storage.Store, chosen: Collection[int] | None) -> list[Answer]:
    """Return the documents that have something to teach, whether they were chosen or not."""
    return [
        {
            "id": summary.document.id,
            "title": summary.document.title,
            "lines": summary.corrected + summary.confirmed,
            "chosen": chosen is None or summary.document.id in chosen,
        }
        for summary in storage.documents(store)
        if summary.corrected + summary.confirmed
    ]


def _page_numbers(store: storage.Store, lines: list[TrainingLine]) -> dict[int, int]:
    """Return for each page the number that it bears in its document, from 1."""
    documents = dict.fromkeys(line.document_id for line in lines)
    return {
        summary.page.id: index
        for document_id in documents
        for index, summary in enumerate(storage.pages_of(store, document_id), start=1)
    }


def _page_list(
    store: storage.Store, survey: Survey, lines: list[TrainingLine], numbers: dict[int, int]
) -> list[Answer]:
    split = survey.split
    counts = Counter(line.page_id for line in lines)
    titles: dict[int, str] = {}
    listed = []
    for page_id, count in counts.items():
        page = storage.page(store, page_id)
        if page.document_id not in titles:
            titles[page.document_id] = storage.document(store, page.document_id).title
        tests, teaches = page_id in split.test_pages, page_id in split.train_pages
        listed.append(
            {
                "id": page_id,
                "number": numbers.get(page_id, 0),
                "name": page.name,
                "document": page.document_id,
                "document_title": titles[page.document_id],
                "thumbnail": f"files/pages/{page_id}/thumbnail",
                "lines": count,
                "role": "both" if tests and teaches else "test" if tests else "teach",
                "pinned": page.held_out,
            }
        )
    return listed


def _character(store: storage.Store, found: UnknownCharacter) -> Answer:
    return {
        "shown": _shown(found.character),
        "count": found.count,
        "words": character_words(found),
        "examples": [_example(store, example) for example in found.examples[:MAX_EXAMPLES]],
    }


def _example(store: storage.Store, example: Example) -> Answer:
    """Return where a character stands; a combining mark is lit with the letter it stands on.

    The text is cut here: the browser counts in UTF-16 units, Python in code points.
    """
    shown = storage.line_text(store, example.line_id)
    line, whole = shown.line, normalise(shown.text)
    text, start = example.text, example.start
    end = start + 1
    while start > 0 and unicodedata.combining(text[start]):
        start -= 1
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return {
        "line": line.id,
        "page": line.page_id,
        "image": f"files/lines/{line.id}/{line_version(line)}.webp",
        "pieces": [
            f"{'' if whole.startswith(text) else CUT}{text[:start]}",
            text[start:end],
            f"{text[end:]}{'' if whole.endswith(text) else CUT}",
        ],
    }


def _suspicion(store: storage.Store, found: Suspicion, numbers: dict[int, int]) -> Answer:
    return {
        "line": found.line_id,
        "page": found.page_id,
        "document": storage.document(store, found.document_id).title,
        "page_number": numbers.get(found.page_id, 0),
        "number": found.number,
        "why": found.why,
    }


def _shown(character: str) -> str:
    """Return the character so that it is seen by itself: a mark stands on a dotted circle."""
    return f"{DOTTED_CIRCLE}{character}" if unicodedata.combining(character) else character
