"""Fetch more handwriting fonts into a cache: `python -m synthesis.fetch_fonts`.

They are the packages @fontsource/NAME of the npm registry, all under the SIL Open Font License, and
are fetched by npm, which has to be installed. Drawn lines of pretraining use them where they are;
nothing else does, so that a page that is drawn twice looks the same everywhere.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from synthesis.font import SynthesisError

FONTS = Path.home() / ".cache" / "htr-desk" / "fonts"
NAMES = (
    "alex-brush allura annie-use-your-telescope architects-daughter birthstone caveat "
    "caveat-brush charm cookie corinthia covered-by-your-grace damion delicious-handrawn "
    "delius ephesis gaegu gloria-hallelujah gochi-hand grand-hotel great-vibes handlee "
    "indie-flower italianno itim kalam kaushan-script licorice liu-jian-mao-cao long-cang "
    "mali mansalva monsieur-la-doulaise mr-de-haviland nanum-brush-script nanum-pen-script "
    "neucha nothing-you-could-do oooh-baby over-the-rainbow pangolin parisienne "
    "patrick-hand pinyon-script playpen-sans playwrite-vn poor-story reenie-beanie "
    "sacramento shadows-into-light shantell-sans short-stack smooch sriracha "
    "sue-ellen-francisco swanky-and-moo-moo tangerine the-girl-next-door twinkle-star "
    "vibur whisper yomogi zeyada "
).split()
"""Handwriting, from school hands to copperplate; nearly all with the accents of Western Europe,
some with those of all of Europe, some with Vietnamese. None is among the nine of the project, and
none writes small letters as capitals."""

PARTS = ("latin", "latin-ext", "vietnamese")
LICENCE = "OFL-1.1"
LONGEST_S = 120.0  # for one package
LARGEST_BYTES = 100_000_000  # of a package; those with Chinese letters have about 30 MB


def fetch_fonts(folder: Path, names: Sequence[str]) -> list[str]:
    """Return why fonts could not be fetched, a sentence each; those already there are kept.

    Each font gets a folder of its own, with its WOFF files, its licence and its version.

    Raises: SynthesisError where npm is missing.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise SynthesisError("npm is not installed; it fetches the fonts. Install Node.js.")
    failures = []
    for name in names:
        if (folder / name).is_dir():
            continue
        try:
            unpack(_package(npm, name), name, folder)
            print(f"{name}: fetched", flush=True)
        except (SynthesisError, OSError, subprocess.SubprocessError, tarfile.TarError) as error:
            failures.append(f"{name}: {error}")
    return failures


def unpack(package: bytes, name: str, folder: Path) -> None:
    """Write the regular upright WOFF files and the licence of a package into folder/name.

    Raises: SynthesisError for a package of another licence, or without such files; nothing is
    then left behind.
    """
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        members = {member.name: member for member in archive if member.isfile()}

        def content(path: str) -> bytes:
            file = archive.extractfile(members[path]) if path in members else None
            if file is None:
                raise SynthesisError(f"the package has no {PurePosixPath(path).name}")
            return file.read()

        facts = json.loads(content("package/package.json"))
        if facts.get("license") != LICENCE:
            raise SynthesisError(f"its licence is {facts.get('license')!r}, expected {LICENCE}")
        files = {f"{name}.OFL.txt": content("package/LICENSE")}
        for part in PARTS:
            path = f"package/files/{name}-{part}-400-normal.woff"
            if path in members:
                files[f"{name}-{part}.woff"] = content(path)
    if f"{name}-latin.woff" not in files:
        raise SynthesisError("the package has no upright font of regular weight")
    files["version.txt"] = str(facts.get("version", "")).encode()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as fresh:
        made = Path(fresh, name)
        made.mkdir()
        for file_name, data in files.items():
            (made / file_name).write_bytes(data)
        made.rename(folder / name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status after fetching: 1 if a font could not be had."""
    parser = argparse.ArgumentParser(
        prog="python -m synthesis.fetch_fonts",
        description=f"Fetch {len(NAMES)} handwriting fonts (SIL Open Font License) with npm.",
    )
    parser.add_argument("names", nargs="*", default=NAMES, help="fonts of @fontsource (all)")
    parser.add_argument("--folder", type=Path, default=FONTS, help=f"where to keep them ({FONTS})")
    options = parser.parse_args(arguments)
    try:
        failures = fetch_fonts(options.folder, options.names)
    except SynthesisError as error:
        failures = [str(error)]
    for failure in failures:
        print(f"fetch_fonts: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _package(npm: str, name: str) -> bytes:
    """Return the archive of the newest package of version 5."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            npm,
            "pack",
            "--loglevel=error",
            f"@fontsource/{name}@5",
            "--pack-destination",
            folder,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S)
        found = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(found) != 1:
            words = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise SynthesisError(f"npm could not fetch it: {words:.200}")
        if found[0].stat().st_size > LARGEST_BYTES:
            raise SynthesisError(f"the package has more than {LARGEST_BYTES:,} bytes")
        return found[0].read_bytes()


if __name__ == "__main__":
    sys.exit(main())
