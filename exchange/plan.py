"""An uploaded archive -> its pages, each an image with its layout, before anything is taken in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.archive import Archive
from exchange.errors import ExchangeError
from exchange.head import layout_head
from exchange.mets import read_mets
from exchange.pairing import Pair, paired, split_names
from exchange.xml_input import MAX_BYTES

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".jp2")


@dataclass(frozen=True)
class ImportPlan:
    """What an archive would bring.

    title: of its METS file, "" without one. pages: names in the archive, in order; those without
    an image can be taken in only where it is known already.
    problems: what would be left out and why, one message each; a person must agree.
    """

    title: str
    pages: tuple[Pair, ...]
    problems: tuple[str, ...]


def plan_import(archive: Archive, image_endings: Sequence[str] = IMAGE_ENDINGS) -> ImportPlan:
    """Return the pages of an archive, with the layout files that belong to its images.

    Only the beginning of each layout is looked at; whether it can be read shows when it is.

    Raises: ExchangeError if there is neither an image nor a layout in the archive.
    """
    images, names = split_names(archive.names, image_endings)
    layouts: dict[str, str] = {}
    order: list[str] = []
    title = ""
    problems = list(archive.refused)
    for name in names:
        try:
            data = archive.read(name, MAX_BYTES)
            head = layout_head(data, name)
            if head.format == "mets":
                document = read_mets(data, name)
                title = title or document.title
                order += document.order
            else:
                layouts[name] = head.image_name
        except ExchangeError as error:
            problems.append(str(error))
    pairing = paired(images, layouts, order)
    problems += [
        f"{name} was left out: its image has another layout already." for name in pairing.spare
    ]
    if not pairing.pairs:
        raise ExchangeError(
            f"{archive.name} holds no page: neither an image nor a PAGE or ALTO file that can be "
            f"read. {problems[0] if problems else ''}".strip()
        )
    return ImportPlan(title, pairing.pairs, tuple(problems))
