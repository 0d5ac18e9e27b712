"""Undo and redo of what somebody wrote in a document, across its lines, also after a restart.

A step is the revisions of one act: one line that was saved, or all lines of a replacement. Taking a
step back appends revisions; which steps are done or undone is read from the history itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from storage import revisions
from storage.errors import StorageError
from storage.records import Revision
from storage.revisions import append_text, newest_revision, take_back
from storage.rows import Row
from storage.store import Store, select, write
from storage.texts import clean_label, clean_text

STEPS_KEPT = 5000  # revisions of one person in one document that are looked through, newest first


@dataclass
class _Step:
    """One act; `now` are the revisions that did, undid or redid it last, by their lines."""

    now: dict[int, int] = field(default_factory=dict)


def undo_text(store: Store, document_id: int, author: str) -> list[Revision]:
    """Return the revisions that take back the author's last step in the document.

    A line that somebody else has changed since is left alone.

    Raises:
        StorageError: there is nothing to undo.
    """
    return _turn(store, document_id, author, 0, "There is nothing of yours left to undo here.")


def redo_text(store: Store, document_id: int, author: str) -> list[Revision]:
    """Return the revisions that do again what the author undid last in the document.

    Raises:
        StorageError: there is nothing to redo.
    """
    return _turn(store, document_id, author, 1, "There is nothing to redo.")


def change_texts(
    store: Store, texts: Mapping[int, tuple[str, str, int | None]], author: str
) -> tuple[list[Revision], list[int]]:
    """Return the revisions of many lines written as one step, and the lines left alone.

    texts: by line: text, status, and the newest revision that the author saw, as for
    `correct_line`. A line that was changed since is left alone; the others are written.
    """
    author = clean_label(author, "The name of the author")
    written: list[Revision] = []
    changed: list[int] = []
    with write(store) as db:
        for line_id, (text, status, parent_id) in texts.items():
            newest = newest_revision(store, line_id)
            if (newest.id if newest else None) != parent_id:
                changed.append(line_id)
                continue
            step_id = written[0].id if written else None
            cleaned = clean_text(text)
            written.append(append_text(store, db, line_id, cleaned, status, author, step_id))
    return written, changed


def _turn(store: Store, document_id: int, author: str, which: int, nothing: str) -> list[Revision]:
    author = clean_label(author, "The name of the author")
    with write(store) as db:
        steps = _steps(store, document_id, author)[which]
        while steps:
            made: list[Revision] = []
            for line_id, revision_id in steps.pop().now.items():
                step_id = made[0].id if made else None
                back = take_back(store, db, line_id, revision_id, author, step_id)
                if back is not None:
                    made.append(back)
            if made:
                return made
    raise StorageError(nothing)


def _steps(store: Store, document_id: int, author: str) -> tuple[list[_Step], list[_Step]]:
    """Return the steps that can be undone and those that can be redone, the last one last."""
    rows = select(
        store,
        """SELECT * FROM (SELECT revision.*, coalesce(revision.step_id, revision.id) AS step
            FROM revision JOIN line ON line.id = revision.line_id
            JOIN page ON page.id = line.page_id
            WHERE page.document_id = :document AND revision.author = :author
            AND line.removed IS NULL AND line.replaced IS NULL AND page.removed IS NULL
            ORDER BY revision.id DESC LIMIT :most) ORDER BY id""",
        {"document": document_id, "author": author, "most": STEPS_KEPT},
    )
    acts: dict[int, list[Revision]] = {}
    for row in (Row("revision", values) for values in rows):
        acts.setdefault(row.integer("step"), []).append(revisions.from_row(row))
    done: list[_Step] = []
    undone: list[_Step] = []
    for act in acts.values():
        now = {revision.line_id: revision.id for revision in act}
        taken_back = {revision.undoes_id for revision in act if revision.undoes_id is not None}
        if not taken_back:
            done.append(_Step(now))
            undone.clear()
        elif done and taken_back & set(done[-1].now.values()):
            undone.append(_moved(done.pop(), now))
        elif undone and taken_back & set(undone[-1].now.values()):
            done.append(_moved(undone.pop(), now))
        else:  # taken back otherwise, such as with a change of the layout
            done = [step for step in done if not taken_back & set(step.now.values())]
    return done, undone


def _moved(step: _Step, now: dict[int, int]) -> _Step:
    """Return the step after it was undone or redone; lines that were left alone are out of it."""
    return _Step({line_id: now[line_id] for line_id in step.now if line_id in now})
