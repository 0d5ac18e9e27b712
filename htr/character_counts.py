"""Texts -> a character model: counts what follows each context, for all contexts at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from htr.character_model import ORDER, ORDERS, CharacterModel, Followers, highest_order
from htr.errors import RecognitionError

# How a position of the text takes part in a context; a character i is i + 2 (see `code`).
_BREAK = 0  # the end of a line, or a character that the model does not know
_START = 1  # EDGE + 2

OWN_WEIGHT = 5  # of corrected lines beside other text: they are what is to be read


def build_character_model(
    texts: Iterable[str],
    characters: Sequence[str],
    order: int = ORDER,
    general: Iterable[str] = (),
    weight: int = 1,
    base: CharacterModel | None = None,
) -> CharacterModel:
    """Return the model of the texts, one line of text each; blank ones are passed over.

    characters: of the recognition model; others in the texts break the context, as a new line does.
    general: lines of other text, counted once while those of `texts` count `weight` times. base:
    a model whose counts are added, as those of general text; what it knows of characters that are
    not among these is left out.

    Raises RecognitionError for an order out of range or texts without a known character.
    """
    size = len(characters)
    highest = min(ORDERS[-1], highest_order(size))
    if not ORDERS[0] <= order <= highest:
        raise RecognitionError(
            f"The order of the language model is {order}; expected {ORDERS[0]} to {highest} "
            f"with an alphabet of {size} characters."
        )
    index = {character: i for i, character in enumerate(characters)}
    roles, numbers = _positions(texts, index)
    more_roles, more_numbers = _positions(general, index)
    weights = np.repeat([weight, 1], [len(roles), len(more_roles)])
    roles, numbers = np.concatenate([roles, more_roles]), np.concatenate([numbers, more_numbers])
    known = _translated(base, characters) if base else []
    if not (roles > _START).any() and not any(len(table[1]) for table in known):
        raise RecognitionError(
            "The texts for the language model hold no character that the recognition model knows. "
            "Choose a text in the script that is read."
        )
    return CharacterModel(
        tuple(characters), _followers(roles, numbers, weights, size, order, known)
    )


def without_rare(model: CharacterModel, least: Sequence[int]) -> CharacterModel:
    """Return the model without what was seen less often; a smaller file, hardly worse.

    least: the fewest times, by the length of the context.
    """
    tables = []
    for table, fewest in zip(model.followers, least, strict=True):
        contexts, followers, counts = _entries(table)
        kept = counts >= fewest
        tables.append(
            _counted(contexts[kept], followers[kept], counts[kept], len(model.characters))
        )
    return CharacterModel(model.characters, tuple(tables))


def known_share(model: CharacterModel, characters: Sequence[str]) -> float:
    """Return how much of the text that the model was built from these characters can write: 0-1."""
    letters = model.followers[0]
    writable = np.isin(model.characters, list(characters))
    counts = np.zeros(len(model.characters) + 1, np.int64)  # the last one: ends of lines
    counts[letters.numbers] = letters.counts
    return float(counts[:-1][writable].sum() / max(1, counts[:-1].sum()))


def _positions(texts: Iterable[str], index: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return of every position its role in a context and its number as a follower, -1 if none.

    A line takes a position for its start, one a character, and one for its end.
    """
    roles: list[int] = []
    numbers: list[int] = []
    for text in texts:
        known = [index.get(c, -1) for c in unicodedata.normalize("NFC", text).strip()]
        if known:
            roles += [_START, *(number + 2 if number >= 0 else _BREAK for number in known), _BREAK]
            numbers += [-1, *known, len(index)]
    return np.array(roles, np.int64), np.array(numbers, np.int64)


Counts = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Contexts, followers and how often, of one length: an entry a pair, in any order."""


def _translated(model: CharacterModel, characters: Sequence[str]) -> list[Counts]:
    """Return the counts of a model, in the numbers of other characters, by length."""
    old, new = len(model.characters), len(characters)
    index = {character: i for i, character in enumerate(characters)}
    numbers = np.array([index.get(c, -1) for c in model.characters] + [new])
    # As a part of a context: what is no character, the edge, then the characters; -1 unknown.
    roles = np.concatenate([[-1, _START], np.where(numbers[:old] < 0, -1, numbers[:old] + 2)])
    found = []
    for length, table in enumerate(model.followers):
        rest, old_followers, counts = _entries(table)
        followers = numbers[old_followers]
        contexts, whole = np.zeros_like(rest), followers >= 0
        for place in range(length):
            rest, role = np.divmod(rest, old + 2)
            whole &= roles[role] >= 0
            contexts += np.maximum(roles[role], 0) * (new + 2) ** place
        found.append((contexts[whole], followers[whole], counts[whole]))
    return found


def _entries(table: Followers) -> Counts:
    """Return a table's contexts, each as often as it has followers, the followers, and counts."""
    contexts = np.repeat(table.contexts, np.diff(table.first))
    return contexts, table.numbers.astype(np.int64), table.counts.astype(np.int64)


def _followers(
    roles: np.ndarray,
    numbers: np.ndarray,
    weights: np.ndarray,
    size: int,
    order: int,
    known: Sequence[Counts],
) -> tuple[Followers, ...]:
    """Return what followed the contexts of every length below the order; known: added to it."""
    places = np.flatnonzero(numbers >= 0)  # of what is predicted
    contexts = np.zeros(len(places), np.int64)
    tables = []
    for length in range(order):
        if length:  # one character further back, as long as the line and the context reach
            reached = places - length
            places, contexts, reached = (v[reached >= 0] for v in (places, contexts, reached))
            whole = roles[reached] != _BREAK
            places, contexts, reached = places[whole], contexts[whole], reached[whole]
            contexts = contexts + roles[reached] * (size + 2) ** (length - 1)
        counts: Counts = (contexts, numbers[places], weights[places])
        if length < len(known):
            both = zip(counts, known[length], strict=True)
            counts = tuple(np.concatenate(pair) for pair in both)  # type: ignore[assignment]
        tables.append(_counted(*counts, size))
    return tuple(tables)


def _counted(
    contexts: np.ndarray, numbers: np.ndarray, weights: np.ndarray, size: int
) -> Followers:
    keys = contexts * (size + 1) + numbers
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    if not len(keys):
        return Followers(keys, np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
    is_new = np.append(True, keys[1:] != keys[:-1])
    counts = np.add.reduceat(weights[order], np.flatnonzero(is_new))
    found, followers = np.divmod(keys[is_new], size + 1)
    first = np.flatnonzero(np.append(True, found[1:] != found[:-1]))
    return Followers(
        contexts=found[first],
        first=np.append(first, len(found)),
        numbers=followers.astype(np.int32),
        counts=counts.astype(np.int32),
    )
