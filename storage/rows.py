"""A row of the database, read with suspicion: a value of the wrong kind is a clear error.

The file may come from anywhere: a backup, another person, a damaged disk. SQLite lets any column
hold any type, so nothing is used before it was looked at here.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from storage.errors import DamagedDatabase, StorageError
from storage.records import Point

MAX_POINTS = 10_000  # a polygon of a line has tens; more is an attack on memory or a mistake
MAX_NUMBER = 2.0**53  # beyond it, floats skip whole numbers: no coordinate is so large
_NUMBERS = (float, int)  # compared by type(), so that true and false are none


class Row:
    """One row of a table; each method returns one column, checked.

    prefix: what the query put before the column names of this table, for joined tables.
    """

    def __init__(self, table: str, values: Mapping[str, Any], prefix: str = "") -> None:
        """Return a reader of `values`; `table` is named in the messages."""
        self.table = table
        self.values = values
        self.prefix = prefix

    def refuse(self, column: str, expected: str) -> NoReturn:
        """Raise DamagedDatabase that names the table, the row and the column."""
        found = reprlib.repr(self.values.get(self.prefix + column))
        raise DamagedDatabase(
            f"Row {self.values.get(self.prefix + 'id')!r} of table '{self.table}' is damaged: "
            f"'{column}' is {found}, expected {expected}. Restore the database from a backup."
        )

    def get(self, column: str) -> Any:
        """Return the value as it is."""
        return self.values[self.prefix + column]

    def text(self, column: str) -> str:
        """Return a text."""
        value = self.get(column)
        if not isinstance(value, str):
            self.refuse(column, "a text")
        return value

    def choice(self, column: str, choices: Sequence[str]) -> str:
        """Return a text that is one of `choices`."""
        value = self.get(column)
        if value not in choices:
            self.refuse(column, "one of " + ", ".join(choices))
        return str(value)

    def integer(self, column: str) -> int:
        """Return a whole number."""
        value = self.get(column)
        if not isinstance(value, int):
            self.refuse(column, "a whole number")
        return value

    def number(self, column: str) -> float:
        """Return a finite number."""
        value = self.get(column)
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            self.refuse(column, "a number")
        return float(value)

    def time(self, column: str) -> datetime:
        """Return a time with its zone."""
        value = self.get(column)
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            self.refuse(column, "a time such as 2026-01-31T12:00:00.000000+00:00")
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

    def optional_text(self, column: str) -> str | None:
        """Return a text, or None."""
        return None if self.get(column) is None else self.text(column)

    def optional_integer(self, column: str) -> int | None:
        """Return a whole number, or None."""
        return None if self.get(column) is None else self.integer(column)

    def optional_time(self, column: str) -> datetime | None:
        """Return a time, or None."""
        return None if self.get(column) is None else self.time(column)

    def optional_flag(self, column: str) -> bool | None:
        """Return a truth value, or None."""
        return None if self.get(column) is None else bool(self.integer(column))

    def mapping(self, column: str) -> dict[str, Any]:
        """Return a JSON object."""
        value = self.json(column, "a JSON object")
        if not isinstance(value, dict):
            self.refuse(column, "a JSON object")
        return value

    def texts(self, column: str) -> tuple[str, ...]:
        """Return a JSON list of texts."""
        value = self.json(column, "a JSON list of texts")
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(column, "a JSON list of texts")
        return tuple(value)

    def points(self, column: str) -> tuple[Point, ...]:
        """Return a JSON list of points, in pixels."""
        return tuple((x, y) for x, y in self.records(column, (float, float)))

    def records(self, column: str, kinds: tuple[type, ...]) -> list[tuple[Any, ...]]:
        """Return a JSON list of lists with items of `kinds`: str, or float (finite; int too)."""
        expected = f"a JSON list of [{', '.join(kind.__name__ for kind in kinds)}]"
        value = self.json(column, expected)
        if not isinstance(value, list) or len(value) > MAX_POINTS:
            self.refuse(column, f"{expected}, at most {MAX_POINTS:,}")
        found = []
        for item in value:
            if type(item) is not list or len(item) != len(kinds):
                self.refuse(column, expected)
            for part, kind in zip(item, kinds, strict=True):
                # A page has thousands of these, so the checks are plain; NaN fails them as well.
                if kind is str:
                    good = type(part) is str
                else:
                    good = type(part) in _NUMBERS and -MAX_NUMBER < part < MAX_NUMBER
                if not good:
                    self.refuse(column, expected)
            found.append(tuple(item))
        return found

    def json(self, column: str, expected: str) -> Any:
        """Return whatever the JSON text says; `expected` is for the message where it is none."""
        try:
            return json.loads(self.text(column))
        # A list nested a million deep is a RecursionError, no ValueError.
        except (ValueError, RecursionError):
            self.refuse(column, expected)


def to_json(value: Any, what: str) -> str:
    """Return `value` as JSON text.

    Raises:
        StorageError: it holds something that JSON cannot say, such as NaN; `what` is named.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise StorageError(
            f"{what} cannot be stored: {error}. Only texts, finite numbers, lists and objects can."
        ) from error
