"""How each document wants its texts written; what the rules are called is for the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storage.rows import Row, to_json
from storage.store import Store, select, write


def text_rules(store: Store, document_id: int) -> dict[str, str]:
    """Return the rules of a document by their names; empty where nobody chose any."""
    rows = select(store, "SELECT * FROM text_rules WHERE document_id = :id", {"id": document_id})
    return Row("text_rules", rows[0]).mapping("rules") if rows else {}


def set_text_rules(store: Store, document_ids: Sequence[int], rules: Mapping[str, str]) -> None:
    """Keep the rules for these documents.

    Raises:
        StorageError: there is no such document.
    """
    with write(store) as db:
        for document_id in document_ids:
            db.execute(
                """INSERT INTO text_rules (document_id, rules) VALUES (?, ?)
                ON CONFLICT (document_id) DO UPDATE SET rules = excluded.rules""",
                (document_id, to_json(dict(rules), "The text rules")),
            )
