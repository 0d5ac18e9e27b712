"""Every error that reading handwriting can raise, as one tree.

RecognitionError
├── AlphabetError               an alphabet that cannot be one
│   └── UnknownCharacterError   a text holds a character that the model cannot write
├── ModelConfigError            a configuration that describes no network
├── ModelInputError             images of a shape that the network does not take
├── CheckpointError             a model file that cannot be used
│   ├── CheckpointFormatError   damaged, or not this app's format
│   ├── CheckpointMismatchError tensors, configuration and alphabet contradict each other
│   └── UnsafeCheckpointError   a pickle that asks for code to be run
├── ConversionError             a foreign model file that cannot be converted
└── DownloadError               a model that could not be fetched
"""

from __future__ import annotations


class RecognitionError(Exception):
    """Base of all errors of this package; the message says what to do."""


class AlphabetError(RecognitionError):
    """A list of characters that cannot be an alphabet, or a class outside it."""


class UnknownCharacterError(AlphabetError):
    """A text holds a character that the alphabet lacks.

    character: the character in NFC. position: its index in the NFC text, from 0.
    """

    def __init__(self, message: str, character: str, position: int) -> None:
        """Keep the character and its position beside the message."""
        super().__init__(message)
        self.character = character
        self.position = position


class ModelConfigError(RecognitionError):
    """A configuration that describes no network, or an unreasonably large one."""


class ModelInputError(RecognitionError):
    """A batch of images of a shape or type that the network does not take."""


class CheckpointError(RecognitionError):
    """A model file that cannot be used."""


class CheckpointFormatError(CheckpointError):
    """A model file that is damaged, cut short, or not in this app's format."""


class CheckpointMismatchError(CheckpointError):
    """A model file whose tensors, configuration and alphabet contradict each other."""


class UnsafeCheckpointError(CheckpointError):
    """A pickled model file that asks for code to be run; nothing of it was run."""


class ConversionError(RecognitionError):
    """A foreign model file that cannot be converted into this app's format."""


class DownloadError(RecognitionError):
    """A model that could not be fetched from the hub."""
