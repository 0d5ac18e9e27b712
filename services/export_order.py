"""What a person wants to take along: which lines, in which format, whose text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from exchange import ExchangeError
from exchange.mapping import CHOICES
from services.export_formats import FORMATS, ExportFormat

SCOPES = ("line", "page", "document", "project", "library")
NUMBERED = ("line", "page", "document")  # scopes that name one thing by its number


@dataclass(frozen=True)
class ExportOrder:
    """An order as it was given.

    format: a key of FORMATS. scope: one of SCOPES. number: of the line, page or document; 0 for
    the other scopes. project: its name. text: one of `exchange.mapping.CHOICES`.
    images: whether the page images come along; a format may take the choice from the person.
    """

    format: str
    scope: str
    number: int = 0
    project: str = ""
    text: str = "best"
    images: bool = False

    @property
    def kind(self) -> ExportFormat:
        """The format."""
        return FORMATS[self.format]

    @property
    def with_images(self) -> bool:
        """Whether image files are put beside the text."""
        return self.kind.images == "always" or (self.images and self.kind.images == "may")

    def as_json(self) -> dict[str, Any]:
        """Return the order as the settings of a run keep it."""
        return asdict(self)


def read_order(values: Mapping[str, Any]) -> ExportOrder:
    """Return the order that a browser, a program or the database gives.

    Raises: ExchangeError where it makes no sense; the message says what may be asked for.
    """
    scope = _choice(values, "scope", SCOPES, "library")
    number = values.get("number", 0)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**62:
        raise ExchangeError(f"The number of the {scope} is {number!r}; it is a whole number.")
    if (scope in NUMBERED) != (number > 0):
        raise ExchangeError(f"To export a {scope}, say its number." if not number else
                            f"To export the whole {scope}, give no number.")  # fmt: skip
    project = values.get("project", "")
    if not isinstance(project, str) or (scope == "project") != bool(project):
        raise ExchangeError("To export a project, say its name; other scopes have none.")
    return ExportOrder(
        format=_choice(values, "format", tuple(FORMATS), ""),
        scope=scope,
        number=number,
        project=project,
        text=_choice(values, "text", CHOICES, "best"),
        images=values.get("images") is True,
    )


def _choice(values: Mapping[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    value = values.get(name, default)
    if value not in choices:
        raise ExchangeError(
            f"The {name} is {str(value)[:60]!r}; choose one of {', '.join(choices)}."
        )
    return str(value)
