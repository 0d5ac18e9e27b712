"""The page, measured in pixels of the image that it is given.

Libraries often export the layout of a large scan and publish a smaller one; some measure on paper;
some swap width and height, or describe the image before it was turned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from exchange.errors import ExchangeError
from exchange.points import bounds
from exchange.records import PageDocument, Point, Points, Region, TextLine, Word

SAME_SHAPE = 0.02  # largest difference of the proportions that rounding and cropping explain
OVER_EDGE = 0.01  # of the size: how far points may lie outside their own image


def fit_to_image(page: PageDocument, width_px: int, height_px: int) -> PageDocument:
    """Return the page with its geometry in pixels of an image of this size.

    A note says if it was scaled, if the proportions differ, if width and height were swapped, and
    if lines lie outside of the image.

    Raises: ExchangeError if the page was measured on an image that was since turned by a quarter,
    or in a unit of paper without saying how large the paper is.
    """
    if width_px <= 0 or height_px <= 0:
        raise ExchangeError(f"The image of {page.image_name!r} has no size. Upload it again.")
    if page.width <= 0 or page.height <= 0:
        if page.unit != "pixel":
            raise ExchangeError(
                f"The page {page.image_name!r} is measured in {page.unit}, and its file does not "
                "say how large it is. Export it in pixels."
            )
        return _checked(replace(page, width=width_px, height=height_px))
    if page.unit == "pixel" and (page.width, page.height) == (width_px, height_px):
        return _checked(page)
    if _is_swapped(page, width_px, height_px):
        return _unswapped(page, width_px, height_px)
    notes = []
    scale_x, scale_y = width_px / page.width, height_px / page.height
    said = f"{page.width:g} x {page.height:g} {page.unit}"
    if abs(scale_x / scale_y - 1) > SAME_SHAPE:
        notes.append(
            f"The file describes an image of {said}, this one has {width_px} x {height_px} pixels "
            "and other proportions. Check that it is the same image."
        )
    else:
        notes.append(f"Coordinates were scaled from {said} to {width_px} x {height_px} pixels.")
    scaled = moved(page, lambda point: (point[0] * scale_x, point[1] * scale_y), scale_y)
    return _checked(
        replace(scaled, width=width_px, height=height_px, unit="pixel", notes=(*page.notes, *notes))
    )


def moved(page: PageDocument, move: Callable[[Point], Point], scale: float) -> PageDocument:
    """Return the page with every point moved, and its line spacings scaled."""

    def all_points(points: Points) -> Points:
        return tuple(move(point) for point in points)

    def word(one: Word) -> Word:
        characters = tuple(
            replace(character, polygon=all_points(character.polygon))
            for character in one.characters
        )
        return replace(one, polygon=all_points(one.polygon), characters=characters)

    def line(one: TextLine) -> TextLine:
        return replace(
            one,
            baseline=all_points(one.baseline),
            polygon=all_points(one.polygon),
            words=tuple(word(inner) for inner in one.words),
            spacing_px=one.spacing_px * scale if one.spacing_px else None,
        )

    def region(one: Region) -> Region:
        return replace(one, polygon=all_points(one.polygon))

    return replace(
        page,
        lines=tuple(line(one) for one in page.lines),
        regions=tuple(region(one) for one in page.regions),
    )


def _checked(page: PageDocument) -> PageDocument:
    """Return the page, with a note if there are lines that no part of lies on it."""
    count = sum(
        all(not (0 <= x <= page.width and 0 <= y <= page.height) for x, y in line.baseline)
        for line in page.lines
    )
    if not count:
        return page
    note = (
        f"{count} of {len(page.lines)} lines lie outside of the image. Check that it is the image "
        "that the file was made for."
    )
    return replace(page, notes=(*page.notes, note))


def _is_swapped(page: PageDocument, width_px: int, height_px: int) -> bool:
    """Return whether the stored size has the proportions of the image lying on its side."""
    stored, real = page.width / page.height, width_px / height_px
    return abs(stored * real - 1) <= SAME_SHAPE and abs(stored / real - 1) > SAME_SHAPE


def _unswapped(page: PageDocument, width_px: int, height_px: int) -> PageDocument:
    """Return the page with width and height the right way round, if its points say it is so.

    Points that do not fit into the stored size, but into the swapped one, show that only the
    numbers were swapped. Points that fit the other way only show that the image was turned.
    """
    points = [point for line in page.lines for point in (*line.baseline, *line.polygon)]
    points += [point for region in page.regions for point in region.polygon]
    if not _fits(points, page.height, page.width):
        raise ExchangeError(
            f"{page.image_name!r} was described as {page.width:g} x {page.height:g}, but this "
            f"image has {width_px} x {height_px} pixels: it has been turned by a quarter since. "
            "Turn it back, or find its lines anew."
        )
    sure = not _fits(points, page.width, page.height)
    note = (
        f"Width and height were swapped in the file ({page.width:g} x {page.height:g} for an "
        f"image of {width_px} x {height_px} pixels); they were put right."
    )
    note += "" if sure else " Check the lines: the image may have been turned instead."
    upright = replace(page, width=page.height, height=page.width, notes=(*page.notes, note))
    return fit_to_image(upright, width_px, height_px)


def _fits(points: list[Point], width: float, height: float) -> bool:
    box = bounds(points)
    return box is None or (box[2] <= width * (1 + OVER_EDGE) and box[3] <= height * (1 + OVER_EDGE))
