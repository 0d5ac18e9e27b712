"""What a reader has met so far on its way through a file, with the limits that hold for all."""

from __future__ import annotations

from dataclasses import dataclass, field

from exchange.errors import ExchangeError
from exchange.order import with_parent
from exchange.outlines import derived_baseline
from exchange.points import is_baseline
from exchange.records import Points, Region, TextLine

MAX_LINES = 10_000  # a page of a register has some hundred
MAX_REGIONS = 10_000  # a table has hundreds of cells
MAX_TEXT = 20_000  # characters of a line; storage keeps fewer, and says so by itself


@dataclass
class Found:
    """Lines and regions in the order of the file; notes and losses as a page has them."""

    name: str
    lines: list[TextLine] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    derived: int = 0

    def new_id(self, wanted: str | None, kind: str) -> str:
        """Return the wanted id, or another where there is none or it is taken."""
        wanted = wanted or f"{kind}_{len(self.ids) + 1}"
        found, count = wanted, 1
        while found in self.ids:
            count += 1
            found = f"{wanted}_{count}"
        self.ids.add(found)
        return found

    def add_region(self, region: Region) -> None:
        """Take a region; raise ExchangeError for one too many."""
        if len(self.regions) >= MAX_REGIONS:
            raise ExchangeError(
                f"{self.name} has more than {MAX_REGIONS:,} regions, too many for one page. "
                "Split it."
            )
        self.regions.append(with_parent(region))

    def check_line(self, line_id: str, text: str) -> None:
        """Raise ExchangeError for a line that is one too many, or whose text is too long."""
        if len(self.lines) >= MAX_LINES:
            raise ExchangeError(
                f"{self.name} has more than {MAX_LINES:,} lines, too many for one page. Split it."
            )
        if len(text) > MAX_TEXT:
            raise ExchangeError(
                f"Line {line_id[:60]!r} of {self.name} has {len(text):,} characters; the limit is "
                f"{MAX_TEXT:,}. Give each line of the page a line of its own."
            )

    def baseline(
        self, line_id: str, text: str, given: Points | None, polygon: Points
    ) -> tuple[Points, bool]:
        """Return the baseline and whether it was derived; empty, and a loss, without geometry."""
        if given is not None and is_baseline(given):
            return given, False
        derived = derived_baseline(polygon)
        if is_baseline(derived):
            self.derived += 1
            return derived, True
        said = f" ({text[:40]!r})" if text else ""
        self.losses.append(f"Line {line_id[:60]!r}{said} has no place on the page.")
        return (), False

    def all_notes(self, width: float, height: float) -> tuple[str, ...]:
        """Return the notes on the page as a whole, which has this size."""
        notes = list(self.notes)
        if min(width, height) <= 0:
            notes.append("The file does not say how large the image is.")
        if self.derived:
            notes.append(
                f"{self.derived} of {len(self.lines)} lines had no baseline; it was derived from "
                "the lower edge of their outlines."
            )
        return tuple(notes)
