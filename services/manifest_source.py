"""A IIIF manifest on another server as the source of an import."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import storage
from exchange import ExchangeError
from exchange.iiif import MAX_MANIFEST_BYTES, read_manifest
from services.fetch import fetch
from services.import_plan import Findings, Plan, PlannedDocument, PlannedPage
from services.settings import Settings

_NO_NAME = re.compile(r"[\x00-\x1f/\\]+")


class ManifestSource:
    """The pages of a manifest; nothing but the manifest is fetched before they are taken in."""

    def __init__(self, settings: Settings, address: str) -> None:
        """Read from `address`, from private networks only if the settings say so."""
        self._allow_private = settings.fetch_private
        self._address = address.strip()

    def plan(
        self,
        store: storage.Store,
        document_id: int | None,
        proceed: Callable[[float, str], None],
    ) -> Plan:
        """Return what the manifest would bring; raise ExchangeError where that is nothing."""
        proceed(0.0, "asking for the manifest")
        data = fetch(self._address, MAX_MANIFEST_BYTES, self._allow_private)
        manifest = read_manifest(data, self._address[:200])
        findings = Findings(images=len(manifest.pages))
        for problem in manifest.problems:
            findings.add_problem(problem)
        pages = tuple(
            PlannedPage(" ".join(page.images), "", name=_NO_NAME.sub(" ", page.label))
            for page in manifest.pages
        )
        return Plan((PlannedDocument(manifest.title or "From a manifest", pages),), findings)

    def read(self, name: str, limit_bytes: int) -> bytes:
        """Return an image, from the first of its addresses that gives it."""
        failures = []
        for address in name.split():
            try:
                return fetch(address, limit_bytes, self._allow_private)
            except ExchangeError as error:
                failures.append(str(error))
        raise ExchangeError(failures[0] if failures else "The page has no address.")

    def table_lines(self, name: str, first: int) -> Iterator[tuple[bytes, str]]:
        """Yield nothing: a manifest has no tables."""
        return iter(())

    def __enter__(self) -> ManifestSource:
        """Return the source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""
