"""What people note of documents and pages: where they come from, and anything else."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from storage.documents import document, touch_document
from storage.errors import StorageError
from storage.pages import page
from storage.records import Document, Page
from storage.rows import to_json
from storage.store import Store, write
from storage.texts import clean_label

FACTS = ("date", "archive", "shelf_mark", "language")  # one line each
MAX_NOTE_CHARACTERS = 10_000


def describe_document(
    store: Store, document_id: int, project: str, facts: Mapping[str, str], notes: str
) -> Document:
    """Return the document with its project, facts and notes; empty ones are taken away.

    facts: by the names in FACTS; one that is not named stays as it is, and so does what else the
    metadata hold.

    Raises:
        NotFound: there is none with this number.
        StorageError: an unknown fact, or something too long.
    """
    unknown = set(facts) - set(FACTS)
    if unknown:
        raise StorageError(
            f"A document has no {min(unknown)[:80]!r}; it has {', '.join(FACTS)} and notes."
        )
    wanted = {
        name: clean_label(text, f"The {name} of the document") for name, text in facts.items()
    }
    wanted["notes"] = clean_note(notes, "The note on the document")
    project = clean_label(project, "The name of the project")
    with write(store) as db:
        metadata = {**document(store, document_id).metadata, **wanted}
        kept = {name: value for name, value in metadata.items() if value != ""}
        touch_document(db, document_id, store.now())
        db.table("document").update(
            document_id,
            {"project": project, "metadata": to_json(kept, "The document's metadata")},
        )
    return document(store, document_id)


def note_page(store: Store, page_id: int, note: str) -> Page:
    """Return the page with its note; an empty one takes the note away.

    Raises:
        NotFound: there is none with this number. StorageError: the note is too long.
    """
    cleaned = clean_note(note, "The note on the page")
    with write(store) as db:
        touch_document(db, page(store, page_id).document_id, store.now())
        db.table("page").update(page_id, {"note": cleaned})
    return page(store, page_id)


def clean_note(text: str, what: str) -> str:
    """Return a note as it is stored: NFC, lines kept, other control characters left out.

    Raises:
        StorageError: more than MAX_NOTE_CHARACTERS characters; `what` is named.
    """
    if len(text) > MAX_NOTE_CHARACTERS:
        raise StorageError(
            f"{what} has {len(text):,} characters; the limit is {MAX_NOTE_CHARACTERS:,}. "
            "Shorten it."
        )
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").split("\n")
    kept = (
        "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs")) for line in lines
    )
    return "\n".join(line.rstrip() for line in kept).strip()
