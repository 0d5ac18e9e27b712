"""Which layout file belongs to which image, by what the files say and how they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exchange.xml_input import base_name

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Pair:
    """A page of an upload: the names of its image and of its layout; "" for one it lacks."""

    image: str
    layout: str


@dataclass(frozen=True)
class Pairing:
    """The pages in their order. spare: further layouts of an image that has one, left out."""

    pairs: tuple[Pair, ...]
    spare: tuple[str, ...]

    @property
    def without_image(self) -> tuple[str, ...]:
        """The layouts for which no image is there."""
        return tuple(pair.layout for pair in self.pairs if not pair.image)


def paired(images: Sequence[str], layouts: Mapping[str, str], order: Sequence[str] = ()) -> Pairing:
    """Return the pages of an upload.

    images: names, with folders. layouts: name -> the image's name as the layout file says it.
    An image is found by that name without regard to case, else by it without its ending, else by
    the name of the layout itself; of several, the one whose folder is nearest.
    order: names in the order of a METS file; the rest follows sorted, 2 before 10.
    """
    found: dict[str, str] = {}
    lone, spare = [], []
    by_name: dict[str, list[str]] = {}
    by_stem: dict[str, list[str]] = {}
    for image in images:
        by_name.setdefault(_folded(image), []).append(image)
        by_stem.setdefault(_stem(image), []).append(image)
    for layout in sorted(layouts, key=natural):
        image = _image_of(layout, layouts[layout], by_name, by_stem)
        if not image:
            lone.append(layout)
        elif image in found:
            spare.append(layout)
        else:
            found[image] = layout
    pairs = [Pair(image, found.get(image, "")) for image in images]
    pairs += [Pair("", layout) for layout in lone]
    rank = {name: number for number, name in reversed(list(enumerate(order)))}
    return Pairing(tuple(sorted(pairs, key=lambda pair: _place(pair, rank))), tuple(spare))


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts names as people do: page 2 before page 10."""
    return tuple(
        (0, int(part), "") if part.isascii() and part.isdecimal() and len(part) < 19
        else (1, 0, part.casefold())
        for part in _DIGITS.split(name)
    )  # fmt: skip


def _image_of(
    layout: str, said: str, by_name: Mapping[str, list[str]], by_stem: Mapping[str, list[str]]
) -> str:
    """Return the image of a layout, "" if none is like it."""
    wanted, own = base_name(said), base_name(layout)
    candidates = (
        (by_name.get(wanted.casefold(), []) or by_stem.get(_stem(wanted), []) if wanted else [])
        or by_stem.get(_stem(own), [])
    )  # fmt: skip
    if not candidates:
        return ""
    return max(candidates, key=lambda image: (_nearness(layout, image), base_name(image) == wanted))


def _place(pair: Pair, rank: Mapping[str, int]) -> tuple[object, ...]:
    known = [
        rank[name]
        for one in (pair.image, pair.layout)
        for name in (one, base_name(one))
        if one and name in rank
    ]
    return (min(known) if known else len(rank), natural(pair.image or pair.layout))


def _nearness(layout: str, image: str) -> int:
    """Return how many folders the two names begin with together."""
    count = 0
    for one, other in zip(layout.split("/")[:-1], image.split("/")[:-1], strict=False):
        if one != other:
            break
        count += 1
    return count


def _folded(name: str) -> str:
    return base_name(name).casefold()


def _stem(name: str) -> str:
    """Return the last part of a name without its ending, and without case."""
    return _folded(name).rpartition(".")[0] or _folded(name)


def split_names(names: Iterable[str], image_endings: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names of images and of XML files among all names, in their order."""
    images, layouts = [], []
    for name in names:
        lowered = name.lower()
        if lowered.endswith(tuple(image_endings)):
            images.append(name)
        elif lowered.endswith(".xml"):
            layouts.append(name)
    return images, layouts
