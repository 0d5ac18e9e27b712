"""A file from elsewhere that may be a model: looked at with suspicion, turned into our format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

OURS, CONVERTED = "model of this app", "converted"


@dataclass(frozen=True)
class FoundModel:
    """A model in our format.

    name: as the file says. how: OURS or CONVERTED. note: what a person should know, or "".
    """

    path: Path
    name: str
    how: str
    note: str


def model_in_file(path: Path, file_name: str, converted: Path) -> FoundModel:
    """Return the model in a file, loaded once to see that it can be used.

    file_name: of the file where it came from, for messages. converted: where to put the model, if
    the file is in another format.

    Raises: RecognitionError for a file that is no such model; nothing in it is ever run.
    """
    from htr.checkpoint import load_checkpoint
    from htr.convert import convert_checkpoint, is_tensor_file
    from htr.errors import RecognitionError
    from htr.header import FORMAT, read_tensor_file

    try:
        plain = is_tensor_file(path)
        if plain and read_tensor_file(path).metadata.get("format") == FORMAT:
            return FoundModel(path, str(load_checkpoint(path).facts["name"]), OURS, "")
        dataset = None if plain else _published_dataset(path)
        convert_checkpoint(path, converted, dataset, name=Path(file_name).stem)
        load_checkpoint(converted)
    except RecognitionError as error:
        raise RecognitionError(_renamed(str(error), path, file_name)) from error
    note = (
        f"It was taken for a model of {dataset.upper()}: that alphabet fits it." if dataset else ""
    )
    return FoundModel(converted, Path(file_name).stem, CONVERTED, note)


def _published_dataset(path: Path) -> str | None:
    """Return the data set whose alphabet fills the head; no two published ones are as long."""
    from htr.convert import fitting_datasets

    fitting = fitting_datasets(path)
    return fitting[0] if len(fitting) == 1 else None


def _renamed(message: str, path: Path, file_name: str) -> str:
    """Return the message with the name that the file had for the person who chose it."""
    for ours in (str(path), path.name, path.with_suffix(".safetensors").name):
        message = message.replace(ours, file_name)
    return message
