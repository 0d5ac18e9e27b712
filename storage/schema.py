"""The tables, as numbered migrations, and the way an older database is brought up to date.

Migrations are only ever appended: databases in the field have run the earlier ones. The number of
migrations that a database has run is its `user_version`.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from storage.errors import DamagedDatabase, NewerDatabase, StorageError

APPLICATION_ID = 0x48545244  # "HTRD" in the file's header: this database is ours
SQLITE_HEADER = b"SQLite format 3\x00"
OLDEST_SQLITE = (3, 25, 0)  # upsert and window functions
BUSY_TIMEOUT_S = 10.0  # longer than any write here takes, shorter than people's patience


def bring_up_to_date(path: Path, backups_dir: Path, now: datetime, check: bool) -> int:
    """Return the version of the database at `path` after running the migrations it lacks.

    A missing or empty file becomes a new database. All missing migrations run in one transaction,
    after a copy of the older database was put into `backups_dir`.

    check: look through the whole database for damage first.

    Raises:
        NewerDatabase: the file was written by a newer program.
        DamagedDatabase: the file is no database of ours, is damaged, or breaks its own rules.
        sqlite3.Error: what SQLite refuses; the caller translates it.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StorageError(
            f"This Python uses SQLite {sqlite3.sqlite_version}; "
            f"{'.'.join(map(str, OLDEST_SQLITE))} or newer is needed. Install a newer Python."
        )
    _refuse_other_file(path)
    with closing(connect(path)) as connection:
        db = Database(connection, execute_plugins=False)
        version = _checked_version(db, path)
        if check:
            _refuse_damage(db, path)
        if version == len(MIGRATIONS):
            return version
        _enable_wal(db)
        db.execute("BEGIN IMMEDIATE")  # of two programs that start at once, one waits here
        try:
            version = _checked_version(db, path)
            if 0 < version < len(MIGRATIONS):
                _back_up(path, backups_dir / f"htr-v{version}-{now:%Y%m%dT%H%M%S%f}.sqlite")
            _migrate(db, version, path)
            db.commit()
        except BaseException:
            db.rollback()
            raise
    return len(MIGRATIONS)


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection in autocommit mode; it may be closed from another thread."""
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    # A hostile file may hide calls of dangerous functions in its schema.
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _refuse_other_file(path: Path) -> None:
    """Refuse what does not begin as a database; SQLite itself overwrites a very short file."""
    if not path.exists():
        return
    with open(path, "rb") as file:
        start = file.read(len(SQLITE_HEADER))
    if start and start != SQLITE_HEADER:
        raise DamagedDatabase(
            f"{path} is damaged or is no database: it begins with {start!r}. Restore it from a "
            "backup, or choose another data folder."
        )


def _checked_version(db: Database, path: Path) -> int:
    application_id = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if application_id != APPLICATION_ID and (version or db.table_names() or application_id):
        raise DamagedDatabase(
            f"{path} is a database of another program. Choose another data folder, "
            "or put the right htr.sqlite there."
        )
    if not 0 <= version <= len(MIGRATIONS):
        raise NewerDatabase(
            f"{path} has version {version}, and this program knows versions up to "
            f"{len(MIGRATIONS)}. Install a newer version of the program."
        )
    return int(version)


def _refuse_damage(db: Database, path: Path) -> None:
    finding = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if finding != "ok":
        raise DamagedDatabase(
            f"{path} is damaged ({finding}). Restore it from a backup; the folder 'backups' "
            "beside it may hold one."
        )


def _enable_wal(db: Database) -> None:
    """Switch to the write-ahead log; SQLite does not wait by itself for another switcher."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            db.enable_wal()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _migrate(db: Database, version: int, path: Path) -> None:
    for migration in MIGRATIONS[version:]:
        migration(db)
    broken = db.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise DamagedDatabase(
            f"{path} cannot be brought up to date: row {broken[1]} of table '{broken[0]}' points "
            f"to a row of '{broken[2]}' that is not there. Restore the database from a backup."
        )
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _back_up(path: Path, backup: Path) -> None:
    unfinished = backup.with_suffix(".part")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
    os.replace(unfinished, backup)


def _first_tables(db: Database) -> None:
    db.executescript("""
CREATE TABLE document (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    title TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created TEXT NOT NULL,
    changed TEXT NOT NULL,
    removed TEXT
);
CREATE TABLE page (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL REFERENCES document(id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    suffix TEXT NOT NULL,
    width_px INTEGER NOT NULL CHECK (width_px > 0),
    height_px INTEGER NOT NULL CHECK (height_px > 0),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'reading', 'ready', 'failed')),
    message TEXT NOT NULL,
    created TEXT NOT NULL,
    removed TEXT
);
CREATE INDEX page_of_document ON page(document_id, position);
CREATE INDEX page_of_image ON page(sha256);
CREATE TABLE line (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    page_id INTEGER NOT NULL REFERENCES page(id),
    position INTEGER NOT NULL,
    baseline TEXT NOT NULL,
    polygon TEXT NOT NULL,
    spacing_px REAL NOT NULL,
    kind TEXT NOT NULL,
    flags TEXT NOT NULL,
    created TEXT NOT NULL,
    replaced TEXT,
    removed TEXT
);
CREATE INDEX line_of_page ON line(page_id, position);
CREATE TABLE model (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    parent_id INTEGER REFERENCES model(id),
    sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
    alphabet TEXT NOT NULL,
    scores TEXT NOT NULL,
    facts TEXT NOT NULL,
    created TEXT NOT NULL,
    current INTEGER NOT NULL DEFAULT 0 CHECK (current IN (0, 1))
);
CREATE UNIQUE INDEX model_current ON model(current) WHERE current = 1;
CREATE TABLE reading (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    line_id INTEGER NOT NULL REFERENCES line(id),
    model_id INTEGER NOT NULL REFERENCES model(id),
    text TEXT NOT NULL,
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    characters TEXT NOT NULL,
    crop_width_px REAL NOT NULL,
    created TEXT NOT NULL,
    UNIQUE (line_id, model_id)
);
CREATE TABLE revision (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    line_id INTEGER NOT NULL REFERENCES line(id),
    text TEXT NOT NULL,
    status TEXT NOT NULL
        CHECK (status IN ('machine', 'corrected', 'confirmed', 'doubtful', 'ignored')),
    author TEXT NOT NULL,
    created TEXT NOT NULL,
    parent_id INTEGER REFERENCES revision(id),
    undoes_id INTEGER REFERENCES revision(id)
);
CREATE INDEX revision_of_line ON revision(line_id, id);
CREATE TRIGGER revision_is_never_updated BEFORE UPDATE ON revision
BEGIN SELECT RAISE(ABORT, 'a revision is never changed'); END;
CREATE TRIGGER revision_is_never_deleted BEFORE DELETE ON revision
BEGIN SELECT RAISE(ABORT, 'a revision is never deleted'); END;
CREATE TRIGGER revision_is_never_overwritten BEFORE INSERT ON revision
WHEN EXISTS (SELECT 1 FROM revision WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a revision is never changed'); END;
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    page_id INTEGER REFERENCES page(id),
    document_id INTEGER REFERENCES document(id),
    state TEXT NOT NULL
        CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    settings TEXT NOT NULL,
    snapshot TEXT,
    progress REAL NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    phase TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    result TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    heartbeat TEXT,
    created TEXT NOT NULL,
    started TEXT,
    finished TEXT
);
CREATE INDEX run_by_state ON run(kind, state, id);
CREATE INDEX run_of_page ON run(page_id);
CREATE INDEX run_of_document ON run(document_id);
CREATE UNIQUE INDEX run_read_waits_once ON run(page_id) WHERE kind = 'read' AND state = 'waiting';
""")


def _newest_revision_on_line(db: Database) -> None:
    """Keep each line's newest revision and its status on the line itself.

    The library counts lines by status whenever it is opened; without this it would visit every
    revision of every line each time. The index holds all that the count looks at.
    """
    db.executescript("""
ALTER TABLE line ADD COLUMN revision_id INTEGER REFERENCES revision(id);
ALTER TABLE line ADD COLUMN status TEXT NOT NULL DEFAULT 'machine';
UPDATE line SET revision_id = (SELECT max(id) FROM revision WHERE line_id = line.id);
UPDATE line SET status = (SELECT status FROM revision WHERE id = line.revision_id)
    WHERE revision_id IS NOT NULL;
CREATE TRIGGER revision_is_newest AFTER INSERT ON revision
BEGIN UPDATE line SET revision_id = NEW.id, status = NEW.status WHERE id = NEW.line_id; END;
CREATE INDEX line_status ON line(page_id, status, replaced, removed)
    WHERE replaced IS NULL AND removed IS NULL;
""")


def _layout_history(db: Database) -> None:
    """Keep every change to the lines of a page, so that each of them can be taken back.

    The index holds all that is needed to know what may be undone.
    """
    db.executescript("""
ALTER TABLE line ADD COLUMN reshaped TEXT;
ALTER TABLE line ADD COLUMN unread INTEGER NOT NULL DEFAULT 0 CHECK (unread IN (0, 1));
CREATE TABLE layout_change (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    page_id INTEGER NOT NULL REFERENCES page(id),
    what TEXT NOT NULL,
    lines TEXT NOT NULL,
    revisions TEXT NOT NULL,
    author TEXT NOT NULL,
    created TEXT NOT NULL,
    undoes_id INTEGER REFERENCES layout_change(id),
    redoes_id INTEGER REFERENCES layout_change(id),
    token TEXT NOT NULL
);
CREATE INDEX layout_change_of_page ON layout_change(page_id, id, undoes_id, redoes_id, what);
CREATE UNIQUE INDEX layout_change_once ON layout_change(page_id, token) WHERE token != '';
CREATE TRIGGER layout_change_is_never_updated BEFORE UPDATE ON layout_change
BEGIN SELECT RAISE(ABORT, 'a change of the layout is never changed'); END;
CREATE TRIGGER layout_change_is_never_deleted BEFORE DELETE ON layout_change
BEGIN SELECT RAISE(ABORT, 'a change of the layout is never deleted'); END;
CREATE TRIGGER layout_change_is_never_overwritten BEFORE INSERT ON layout_change
WHEN EXISTS (SELECT 1 FROM layout_change WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a change of the layout is never changed'); END;
""")


def _training_runs(db: Database) -> None:
    """Let a process of its own train: what it tells on the way, who it is, that it shall stop.

    The unique index is the last word on "one training at a time in a data folder".
    """
    db.executescript("""
ALTER TABLE page ADD COLUMN held_out INTEGER CHECK (held_out IN (0, 1));
ALTER TABLE model ADD COLUMN removed TEXT;
ALTER TABLE run ADD COLUMN worker_pid INTEGER;
ALTER TABLE run ADD COLUMN stopping INTEGER NOT NULL DEFAULT 0 CHECK (stopping IN (0, 1));
CREATE TABLE run_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL REFERENCES run(id),
    created TEXT NOT NULL,
    event TEXT NOT NULL
);
CREATE INDEX run_event_of_run ON run_event(run_id, id);
CREATE UNIQUE INDEX run_train_is_one ON run(kind)
    WHERE kind = 'train' AND state IN ('waiting', 'running');
CREATE INDEX reading_of_model ON reading(model_id, line_id);
""")


def _lines_set_aside(db: Database) -> None:
    """Count lines without those set aside, still from the index alone."""
    db.executescript("""
DROP INDEX line_status;
CREATE INDEX line_status ON line(page_id, status, kind, replaced, removed)
    WHERE replaced IS NULL AND removed IS NULL;
""")


def _origin_of_pages(db: Database) -> None:
    """Keep what imported files say and no table has a place for: regions, tags, places of words.

    Packed (zlib, JSON): a page whose words all have outlines takes a tenth of the room.
    """
    db.executescript("""
CREATE TABLE page_origin (
    page_id INTEGER PRIMARY KEY REFERENCES page(id),
    origin BLOB NOT NULL,
    created TEXT NOT NULL
);
""")


def _steps_alternatives_and_sight(db: Database) -> None:
    """Keep which revisions were one act, what else a machine thought of, and what was looked at."""
    db.executescript("""
ALTER TABLE revision ADD COLUMN step_id INTEGER REFERENCES revision(id);
ALTER TABLE reading ADD COLUMN alternatives TEXT NOT NULL DEFAULT '[]';
ALTER TABLE line ADD COLUMN seen TEXT;
""")


def _search(db: Database) -> None:
    """Index the words of the lines; `storage.search_index` works off the lines that are due.

    The words come folded and with one space between them, which is why the plainest tokenizer is
    the right one: it takes all that is not ASCII for letters.

    NOT EXISTS, since within a trigger OR IGNORE gives way to what the outer statement says.
    """
    db.executescript("""
CREATE TABLE search_due (line_id INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE line_search USING fts5(words, tokenize = 'ascii', prefix = '2 3');
CREATE TABLE search_word (
    word TEXT PRIMARY KEY,
    skeleton TEXT NOT NULL,
    reversed TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX search_word_skeleton ON search_word(skeleton);
CREATE INDEX search_word_reversed ON search_word(reversed);
INSERT INTO search_due (line_id)
    SELECT id FROM line WHERE replaced IS NULL AND removed IS NULL;
CREATE TRIGGER search_after_revision AFTER INSERT ON revision
BEGIN INSERT INTO search_due (line_id) SELECT NEW.line_id
    WHERE NOT EXISTS (SELECT 1 FROM search_due WHERE line_id = NEW.line_id); END;
CREATE TRIGGER search_after_reading AFTER INSERT ON reading
BEGIN INSERT INTO search_due (line_id) SELECT NEW.line_id
    WHERE NOT EXISTS (SELECT 1 FROM search_due WHERE line_id = NEW.line_id); END;
CREATE TRIGGER search_after_reading_again AFTER UPDATE ON reading
BEGIN INSERT INTO search_due (line_id) SELECT NEW.line_id
    WHERE NOT EXISTS (SELECT 1 FROM search_due WHERE line_id = NEW.line_id); END;
CREATE TRIGGER search_after_hiding AFTER UPDATE OF replaced, removed ON line
WHEN (OLD.replaced IS NULL AND OLD.removed IS NULL)
    <> (NEW.replaced IS NULL AND NEW.removed IS NULL)
BEGIN INSERT INTO search_due (line_id) SELECT NEW.id
    WHERE NOT EXISTS (SELECT 1 FROM search_due WHERE line_id = NEW.id); END;
CREATE TRIGGER search_after_model AFTER UPDATE OF current ON model WHEN OLD.current <> NEW.current
BEGIN
    INSERT INTO search_due (line_id) SELECT line_id FROM reading
        WHERE model_id = NEW.id AND EXISTS (SELECT 1 FROM reading AS other
            WHERE other.line_id = reading.line_id AND other.model_id <> NEW.id)
        AND NOT EXISTS (SELECT 1 FROM search_due WHERE search_due.line_id = reading.line_id);
END;
""")


def _choices(db: Database) -> None:
    """Keep what people chose for the whole app."""
    db.executescript("""
CREATE TABLE choice (name TEXT PRIMARY KEY, value TEXT NOT NULL);
""")


def _notes_on_pages(db: Database) -> None:
    db.executescript("ALTER TABLE page ADD COLUMN note TEXT NOT NULL DEFAULT '';")


def _turned_pages(db: Database) -> None:
    """Keep the image that each turn or cut of a page has replaced."""
    db.executescript("""
CREATE TABLE page_turn (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    page_id INTEGER NOT NULL REFERENCES page(id),
    turn TEXT NOT NULL,
    hidden TEXT NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    suffix TEXT NOT NULL,
    width_px INTEGER NOT NULL CHECK (width_px > 0),
    height_px INTEGER NOT NULL CHECK (height_px > 0),
    author TEXT NOT NULL,
    created TEXT NOT NULL,
    undone TEXT
);
CREATE INDEX page_turn_of_page ON page_turn(page_id, id);
CREATE INDEX page_turn_of_image ON page_turn(sha256);
""")


def _origin_of_turned_pages(db: Database) -> None:
    """What an imported file says of a page's image is kept beside the image that it is about."""
    db.executescript("ALTER TABLE page_turn ADD COLUMN origin BLOB;")


def _text_rules(db: Database) -> None:
    """Keep how each document wants its texts written."""
    db.executescript("""
CREATE TABLE text_rules (
    document_id INTEGER PRIMARY KEY REFERENCES document(id),
    rules TEXT NOT NULL
);
""")


def _read_with_language(db: Database) -> None:
    """Tell what was read with the language model, so that the rest can be read again."""
    db.executescript("""
ALTER TABLE reading ADD COLUMN with_language INTEGER NOT NULL DEFAULT 0
    CHECK (with_language IN (0, 1));
""")


MIGRATIONS: tuple[Callable[[Database], None], ...] = (
    _first_tables,
    _newest_revision_on_line,
    _layout_history,
    _training_runs,
    _lines_set_aside,
    _origin_of_pages,
    _steps_alternatives_and_sight,
    _search,
    _choices,
    _notes_on_pages,
    _turned_pages,
    _origin_of_turned_pages,
    _text_rules,
    _read_with_language,
)
