"""Every error that training can raise, as one tree.

TrainingError
├── TrainableError      a model that cannot be trained on, or its helper head is damaged
└── TrainingTextError   texts that the model's classes cannot write
"""

from __future__ import annotations


class TrainingError(Exception):
    """Base of all errors of this package; the message says what to do."""


class TrainableError(TrainingError):
    """A model file or network that cannot be trained, such as one with a damaged helper head."""


class TrainingTextError(TrainingError):
    """Texts, or classes made of them, that the losses or the growth of a model cannot take."""
