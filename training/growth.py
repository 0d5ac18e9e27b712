"""New characters for a model: which ones its texts need, and a head that has room for them.

A new class starts as a copy of the known character that looks most like it: the network already
finds that shape, and a few lines suffice to learn the difference (a tilde, a longer stroke). Its
bias is set lower by RELATED_BIAS, so that on the first day the model reads exactly as before and
an old letter isn't torn between two equal classes. What it lacks it learns in `first_lesson.py`.
A class without a relative starts as the mean of all characters: inside the range where the
others live, below whichever of them wins, and unlike a random row without an accidental shape.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from htr.alphabet import Alphabet
from htr.errors import RecognitionError
from htr.model import HTRConvText
from training.errors import TrainingTextError
from training.tcm import TCMHead
from training.trainable import Trainable

RELATED_BIAS = -4.0
"""Added to the bias copied from the relative: the new class starts with e^-4, a fiftieth, of its
probability. Measured from 0 to -4 with the lesson of `first_lesson.py`: new letters are read
equally well after it, and less often where the old one stands."""

LOOKALIKES = (
    "'’‘‚‛′´ʼ`",
    '"”“„‟″«»',
    "-–—‐‑‒―−¬⸗",
    ".·•",
    "=⸗", "([{⟨", ")]}⟩",
    "aæ", "AÆ", "oœ", "OŒ", "sſß", "pþ", "PÞ", "dð", "DÐ", "iı", "nŋ", "NŊ", "rꝛ", "zȝ", "ZȜ",
    "pƿ", "&⁊", "7⁊", "vꝟ", "xꝝ", "9ꝰ", "9ꝯ", "LŁ£", "fƒ", "EÆŒ", "eæœ", "E€",
)  # fmt: skip
"""Characters of like shape that Unicode doesn't relate; the likelier partner stands first."""

_MARKS = ("Mn", "Mc", "Me")


def missing_characters(alphabet: Alphabet, texts: Iterable[str]) -> dict[str, int]:
    """Return how often the texts hold each character that the alphabet can't write.

    Keys are single code points of the texts in NFC, in the order of code points, so that the same
    texts in any order grow the same model. A mark that has no composed form with its letter is
    counted by itself: q with tilde needs the class U+0303.
    """
    counts = Counter(unknown.character for text in texts for unknown in alphabet.unknown(text))
    return dict(sorted(counts.items()))


def related_character(character: str, alphabet: Alphabet) -> str | None:
    """Return the known character that looks most like a new one, or None.

    Tried from near to far: without its marks (à: a), what Unicode counts as the same letter (ſ: s,
    ﬁ: f), without its stroke or hook (ł: l), the other case, LOOKALIKES; then the relatives of
    these in turn. A combining mark alone has no relative among letters.
    """
    known = {unicodedata.normalize("NFC", entry): entry for entry in alphabet.characters}
    start = unicodedata.normalize("NFC", character)
    seen = {start}
    waiting = deque([start])
    while waiting:
        for relative in _relatives(waiting.popleft()):
            if relative in seen:
                continue
            if relative in known:
                return known[relative]
            seen.add(relative)
            waiting.append(relative)
    return None


def grow(
    trainable: Trainable, characters: Iterable[str], *, related_bias: float = RELATED_BIAS
) -> Trainable:
    """Return a copy of the model that can also write `characters`, appended in their order.

    CTC head, TCM embedding and TCM output grow together; old classes keep their numbers and their
    weights. Characters that the alphabet has already are passed over. related_bias: added to the
    bias of a class that starts as a copy.

    Raises TrainingTextError for what can't be a character, or more characters than a model takes.
    """
    old = trainable.alphabet
    new = _new_entries(old, characters)
    try:
        alphabet = Alphabet((*old.characters, *new))
        config = replace(trainable.config, classes=alphabet.classes)
    except RecognitionError as error:
        raise TrainingTextError(f"The model can't learn new characters. {error}") from error
    grown = trainable.copy()
    if not new:
        return grown
    class_of = {entry: number for number, entry in enumerate(old.characters, start=1)}
    relatives = [related_character(entry, old) for entry in new]
    sources = [None if relative is None else class_of[relative] for relative in relatives]
    _grow_network(grown.model, sources, related_bias)
    grown.model.config = config
    tcm = None if grown.tcm is None else _grown_head(grown.tcm, sources, related_bias)
    return Trainable(grown.model, tcm, alphabet, config, trainable.facts)


def _relatives(character: str) -> Iterator[str]:
    """Yield the direct relatives of a character in NFC, the nearest first."""
    pieces = unicodedata.normalize("NFD", character)
    for end in range(len(pieces) - 1, 0, -1):
        yield unicodedata.normalize("NFC", pieces[:end])
    for piece in unicodedata.normalize("NFKD", character):
        # U+00B4 is "space with acute" by its decomposition, and looks like no space.
        if unicodedata.category(piece) not in _MARKS and piece != " ":
            yield piece
            break
    if character in "\u00a0\u2002\u2003\u2009\u202f":
        yield " "
    name = unicodedata.name(character, "") if len(character) == 1 else ""
    if name.startswith("LATIN") and " WITH " in name:
        try:
            yield unicodedata.lookup(name.split(" WITH ")[0])
        except KeyError:
            pass  # the name describes a shape of its own, not a known letter with something more
    yield character.swapcase()
    for group in LOOKALIKES:
        if character in group:
            yield from group


def _new_entries(alphabet: Alphabet, characters: Iterable[str]) -> list[str]:
    """Return the characters in NFC that are not in the alphabet, each once, in their order."""
    known = {unicodedata.normalize("NFC", entry) for entry in alphabet.characters}
    normal = (unicodedata.normalize("NFC", character) for character in characters)
    return list(dict.fromkeys(entry for entry in normal if entry not in known))


def _grow_network(model: HTRConvText, sources: Sequence[int | None], related_bias: float) -> None:
    """Give the CTC head new rows at its end. sources: class to copy, None for the mean."""
    old = model.head
    weight, bias = old.weight.detach(), old.bias.detach()
    head = nn.Linear(old.in_features, old.out_features + len(sources), device="meta")
    head.weight = nn.Parameter(torch.cat([weight, _new_rows(weight, sources)]))
    head.bias = nn.Parameter(torch.cat([bias, _new_biases(bias, sources, related_bias)]))
    model.head = head.train(old.training)


def _grown_head(tcm: TCMHead, sources: Sequence[int | None], related_bias: float) -> TCMHead:
    """Return the TCM head with new rows before <pad>, which stays last; the rest is shared."""
    pad = tcm.pad
    state = dict(tcm.state_dict())
    embedding, weight, bias = (
        state[name] for name in ("emb.weight", "classifier.weight", "classifier.bias")
    )
    state["emb.weight"] = _inserted(embedding, _new_rows(embedding[:pad], sources))
    state["classifier.weight"] = _inserted(weight, _new_rows(weight[:pad], sources))
    biases = _new_biases(bias[:pad], sources, related_bias)
    state["classifier.bias"] = _inserted(bias, biases)
    with torch.device("meta"):
        grown = TCMHead(tcm.embed_dim, tcm.classes + len(sources))
    grown.load_state_dict(state, assign=True)
    for parameter in grown.parameters():
        parameter.requires_grad_(True)
    return grown.train(tcm.training)


def _inserted(rows: Tensor, new: Tensor) -> Tensor:
    """Return the rows with new ones before the last, that of <pad>."""
    return torch.cat([rows[:-1], new, rows[-1:]])


def _new_rows(rows: Tensor, sources: Sequence[int | None]) -> Tensor:
    """Return a row for each source, the mean of all characters (not of the blank) for None."""
    mean = rows[1:].mean(0)
    return torch.stack([mean if source is None else rows[source] for source in sources])


def _new_biases(bias: Tensor, sources: Sequence[int | None], related_bias: float) -> Tensor:
    """Return the new classes' biases: copies are lowered, a mean wins over nothing anyway."""
    offsets = [0.0 if source is None else related_bias for source in sources]
    return _new_rows(bias, sources) + torch.tensor(offsets, dtype=bias.dtype, device=bias.device)
