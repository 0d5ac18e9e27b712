"""Pages whose lines are known, put onto the running server, and what a person does to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

import storage
from synthesis.example import encode_png
from synthesis.page import DrawnPage, draw_page
from synthesis.settings import PageSettings
from tests.browser.conftest import Server

Point = tuple[float, float]


@dataclass(frozen=True)
class KnownPage:
    """A page on the server and the numbers of its lines, in their order."""

    id: int
    line_ids: list[int]
    baselines: list[tuple[Point, ...]]


@cache
def _drawn() -> DrawnPage:
    settings = PageSettings(width_px=900, height_px=700, line_count=6, letter=False)
    return draw_page(7, settings=settings)


def page_of_six_lines(server: Server) -> KnownPage:
    """A drawn page whose true lines the machine has read as "machine 1" to "machine 6"."""
    drawn = _drawn()
    lines = [(four_points(line.baseline), line.spacing_px) for line in drawn.lines]
    return put_page(server, drawn.pixels, lines)


def page_of_many_lines(server: Server, count: int) -> KnownPage:
    """A page of the size of a scan with lines of eight points in three columns."""
    width_px, height_px, columns = 2400, 3400, 3
    rows = count // columns
    step_px = (height_px - 200) / rows
    noise = np.random.default_rng(1).integers(
        200, 255, (height_px // 8, width_px // 8, 3), np.uint8
    )
    pixels = noise.repeat(8, 0).repeat(8, 1)
    lines = []
    for column in range(columns):
        left = 80 + column * 770
        for row in range(rows):
            y = 150 + row * step_px
            points = tuple((left + k * 90.0, round(y + 3 * (k % 2), 1)) for k in range(8))
            lines.append((points, step_px))
    return put_page(server, pixels, lines)


def put_page(
    server: Server, pixels: np.ndarray, lines: Sequence[tuple[tuple[Point, ...], float]]
) -> KnownPage:
    """Put a page with the given baselines and spacings onto the server, as if it were read."""
    height_px, width_px = pixels.shape[:2]
    with storage.open_store(server.data_dir, check=False) as store:
        model = storage.current_model(store)
        assert model is not None
        document = storage.add_document(store, "lines")
        image = encode_png(pixels)
        page = storage.add_page(store, document.id, "page", image, "png", width_px, height_px)
        new = [
            storage.NewLine(
                baseline,
                box(baseline, spacing_px),
                spacing_px,
                reading=storage.NewReading(f"machine {number}", 0.9),
            )
            for number, (baseline, spacing_px) in enumerate(lines, start=1)
        ]
        line_ids = storage.replace_lines(store, page.id, new, model.id)
    return KnownPage(page.id, line_ids, [baseline for baseline, _ in lines])


def four_points(baseline: Sequence[Point]) -> tuple[Point, ...]:
    """A baseline as a person would draw it."""
    last = len(baseline) - 1
    return tuple(baseline[round(share * last / 3)] for share in range(4))


def box(baseline: Sequence[Point], spacing_px: float) -> tuple[Point, ...]:
    (left, top), (right, _) = baseline[0], baseline[-1]
    up, down = top - 0.6 * spacing_px, top + 0.2 * spacing_px
    return ((left, up), (right, up), (right, down), (left, down))


def shown(server: Server, page: KnownPage) -> list[storage.LineText]:
    """The lines of the page as the database has them."""
    with storage.open_store(server.data_dir, check=False) as store:
        return storage.lines_of(store, page.id)


class LineDesk:
    """The line editor of one tab, told in points of the page."""

    def __init__(self, tab, server: Server, page: KnownPage) -> None:
        self.tab = tab
        self.page = page
        self.tab.goto(f"{server.address}/#/page/{page.id}")
        self.tab.locator(".row.current textarea:focus").wait_for()

    def edit(self) -> None:
        self.tab.get_by_role("button", name="Edit lines").click()
        self.tab.locator(".line-tools").wait_for()

    def place(self, point: Point) -> tuple[float, float]:
        """Where a point of the page is on the screen."""
        x, y = self.tab.evaluate(
            """([x, y]) => {
                const svg = document.querySelector('.desk .sheet svg');
                const box = svg.getBoundingClientRect();
                const scale = box.width / svg.viewBox.baseVal.width;
                return [box.left + x * scale, box.top + y * scale];
            }""",
            list(point),
        )
        return x, y

    def click(self, point: Point, **how) -> None:
        self.tab.mouse.click(*self.place(point), **how)

    def double_click(self, point: Point) -> None:
        self.tab.mouse.dblclick(*self.place(point))

    def drag(self, start: Point, end: Point, steps: int = 6) -> None:
        self.tab.mouse.move(*self.place(start))
        self.tab.mouse.down()
        self.tab.mouse.move(*self.place(end), steps=steps)
        self.tab.mouse.up()

    def wait_saved(self) -> None:
        """Wait until the editor says that the database has every change of lines."""
        self.tab.locator('.lines-saved[data-state="saved"]').wait_for()

    def wait_rows(self, count: int) -> None:
        self.tab.wait_for_function(
            "count => document.querySelectorAll('.desk .row').length === count", arg=count
        )

    def wait_read(self) -> None:
        """Wait until no line waits to be read again."""
        self.tab.wait_for_function(
            """() => ![...document.querySelectorAll('.desk .row .status')]
                .some(status => status.textContent.includes('being read'))"""
        )

    def order(self) -> list[int]:
        return self.tab.evaluate(
            "() => [...document.querySelectorAll('.desk .row')].map(row => +row.dataset.line)"
        )

    def told(self) -> str:
        return self.tab.locator(".line-tools .chosen").inner_text()

    def text(self, number: int) -> str:
        return self.tab.get_by_role(
            "textbox", name=f"Text of line {number}", exact=True
        ).input_value()


def middle(baseline: Sequence[Point]) -> Point:
    """The middle of the line between the first two points, which lies on the baseline."""
    (ax, ay), (bx, by) = baseline[0], baseline[1]
    return ((ax + bx) / 2, (ay + by) / 2)
