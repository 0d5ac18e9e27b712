"""An upload -> its documents and pages, each an image with its layout, before any is taken in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exchange.errors import ExchangeError
from exchange.head import layout_head
from exchange.mets import MetsDocument, read_mets
from exchange.pairing import Pair, paired, split_names
from exchange.upload import Source
from exchange.xml_input import MAX_BYTES, base_name

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".jp2", ".pdf")


@dataclass(frozen=True)
class DocumentPlan:
    """The pages of a document in order. title: of its METS file, "" without one."""

    title: str
    pages: tuple[Pair, ...]


@dataclass(frozen=True)
class ImportPlan:
    """What an upload would bring.

    documents: one for each METS file of several, with what lies in its folder; else one for all.
    problems: what would be left out and why, one message each; a person must agree.
    Pages without an image can be taken in only where it is known already.
    """

    documents: tuple[DocumentPlan, ...]
    problems: tuple[str, ...]

    @property
    def title(self) -> str:
        """The title of the first document."""
        return self.documents[0].title

    @property
    def pages(self) -> tuple[Pair, ...]:
        """The pages of all documents."""
        return tuple(pair for document in self.documents for pair in document.pages)


def plan_import(
    source: Source,
    image_endings: Sequence[str] = IMAGE_ENDINGS,
    names: Sequence[str] | None = None,
    known_images: Sequence[str] = (),
    proceed: Callable[[], None] = lambda: None,
) -> ImportPlan:
    """Return the pages of an upload, with the layout files that belong to its images.

    Only the beginning of each layout is looked at; whether it can be read shows when it is.

    names: the files to look at; None: all. known_images: names of images that are there already
    and may have a layout in the upload. proceed: called before each layout; may raise to stop.

    Raises: ExchangeError if there is neither an image nor a layout in the upload.
    """
    images, others = split_names(source.names if names is None else names, image_endings)
    layouts: dict[str, str] = {}
    mets: dict[str, MetsDocument] = {}
    problems = list(source.refused)
    for name in others:
        proceed()
        try:
            data = source.read(name, MAX_BYTES)
            head = layout_head(data, name)
            if head.format == "mets":
                mets[_folder(name)] = read_mets(data, name)
            else:
                layouts[name] = head.image_name
        except ExchangeError as error:
            problems.append(str(error))
    documents = []
    for folder in _folders(mets):
        own = _of_folder(folder, mets)
        found = mets.get(folder, MetsDocument("", ()))
        if len(mets) == 1:  # wherever it lies, it speaks of all
            found = next(iter(mets.values()))
        pairing = paired(
            [name for name in images if own(name)] + list(known_images),
            {name: said for name, said in layouts.items() if own(name)},
            found.order,
        )
        problems += [
            f"{name} was left out: its image has another layout already." for name in pairing.spare
        ]
        known = set(known_images)
        pages = tuple(pair for pair in pairing.pairs if pair.layout or pair.image not in known)
        if pages:
            documents.append(DocumentPlan(found.title, pages))
    if not documents:
        raise ExchangeError(
            f"{source.name} holds no page: neither an image nor a PAGE or ALTO file that can be "
            f"read. {problems[0] if problems else ''}".strip()
        )
    return ImportPlan(tuple(documents), tuple(problems))


def _folder(name: str) -> str:
    """Return the folder of a file with its slash, "" for none."""
    return name[: len(name) - len(base_name(name))]


def _folders(mets: dict[str, MetsDocument]) -> list[str]:
    """Return the folders that make a document each, and "" for the rest."""
    return [*sorted(mets), *([] if "" in mets else [""])] if len(mets) > 1 else [""]


def _of_folder(folder: str, mets: dict[str, MetsDocument]) -> Callable[[str], bool]:
    """Return whether a file belongs to a folder: no folder further in has a METS of its own."""
    inner = [other for other in _folders(mets) if other != folder and other.startswith(folder)]
    return lambda name: name.startswith(folder) and not name.startswith(tuple(inner) or ("\0",))
