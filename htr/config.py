"""What distinguishes one HTR-ConvText network from another: sizes, and the input it expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from htr.errors import ModelConfigError

CONTRASTS = ("none", "percentile")
"""How the gray image is prepared: as it is, or stretched between two percentiles."""

STEM_HEIGHT_PX = 64
"""The stem halves the height six times and must end at one row."""

# Generous bounds, so that a hostile file cannot ask for a network that fills the memory.
_BOUNDS = {
    "embed_dim": (8, 2048),
    "depth": (1, 48),
    "heads": (1, 64),
    "stem_head_dim": (1, 2048),
    "conv_kernel": (1, 63),
    "down_after": (1, 48),
    "up_after": (1, 48),
    "max_relative_positions": (1, 4096),
    "classes": (2, 20_001),
    "image_height": (STEM_HEIGHT_PX, STEM_HEIGHT_PX),
    "image_max_width": (32, 8192),
}


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of one network; the defaults are the published ones. Saved in every checkpoint.

    Raises ModelConfigError if the numbers describe no network.
    """

    embed_dim: int = 512
    """Width D of the embedding; the stem has D/4, D/2 and D channels."""
    depth: int = 8
    """Number of ConvText blocks."""
    heads: int = 8
    """Attention heads of a block; D is divisible by it."""
    stem_head_dim: int = 64
    """Width of one attention head in the stem; D/4 is divisible by it."""
    conv_kernel: int = 7
    """Time steps that a block's depthwise convolution sees; odd."""
    down_after: int = 3
    """The time axis is halved after this many blocks."""
    up_after: int = 7
    """The time axis is restored after this many blocks."""
    max_relative_positions: int = 128
    """Relative distances, in time steps, from here on share one attention bias."""
    classes: int = 80
    """CTC classes, the blank included."""
    image_height: int = STEM_HEIGHT_PX
    """Height of a line image in px."""
    image_max_width: int = 512
    """Width in px to which longer line images are squashed."""
    contrast: str = "none"
    """One of CONTRASTS: the preparation that the network was trained with."""

    def __post_init__(self) -> None:
        """Check each number alone, then those that depend on each other."""
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise ModelConfigError(
                    f"{name} is {_shown(value)}, expected a whole number from {low} to {high}."
                )
            if not low <= value <= high:
                expected = f"{low} to {high}" if low < high else str(low)
                raise ModelConfigError(f"{name} is {_shown(value)}, expected {expected}.")
        if self.contrast not in CONTRASTS:
            raise ModelConfigError(
                f"contrast is {_shown(self.contrast)}, expected one of {', '.join(CONTRASTS)}."
            )
        self._check_divisions()
        if not self.down_after < self.up_after <= self.depth:
            raise ModelConfigError(
                f"down_after {self.down_after} and up_after {self.up_after} do not fit "
                f"{self.depth} blocks; expected down_after < up_after <= depth."
            )

    def _check_divisions(self) -> None:
        if self.embed_dim % 4:
            raise ModelConfigError(f"embed_dim {self.embed_dim} is not a multiple of 4.")
        if self.embed_dim % self.heads:
            raise ModelConfigError(
                f"embed_dim {self.embed_dim} does not divide by its {self.heads} heads; "
                f"choose another number of heads."
            )
        if (self.embed_dim // 4) % self.stem_head_dim:
            raise ModelConfigError(
                f"The stem starts with {self.embed_dim // 4} channels (embed_dim / 4), which does "
                f"not divide by stem_head_dim {self.stem_head_dim}; choose a smaller one."
            )
        if self.conv_kernel % 2 == 0:
            raise ModelConfigError(f"conv_kernel is {self.conv_kernel}, expected an odd number.")

    def as_dict(self) -> dict[str, int | str]:
        """Return the fields by name, ready for JSON."""
        return asdict(self)


def config_from(values: Mapping[str, object]) -> ModelConfig:
    """Return the configuration that a file states; every field must be there and no other.

    Raises ModelConfigError if a field is missing, unknown or out of its range.
    """
    known = {field.name for field in fields(ModelConfig)}
    missing = sorted(known - set(values))
    unknown = sorted(str(name)[:40] for name in set(values) - known)
    if missing or unknown:
        parts = []
        if missing:
            parts.append(f"lacks {', '.join(missing)}")
        if unknown:
            parts.append(f"has unknown fields {', '.join(unknown[:5])}")
        raise ModelConfigError(
            f"The model configuration {' and '.join(parts)}. "
            f"The file was written by another version of this app."
        )
    return ModelConfig(**values)  # type: ignore[arg-type]  # types are checked by ModelConfig


def _shown(value: object) -> str:
    """Return the value for a message, cut short: it may come from a hostile file."""
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**12 else "a huge number"
    return text if len(text) <= 40 else text[:37] + "..."
