"""Token heads on disk, in a folder beside the model's own files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from torch import nn

from accord.core.errors import ModelError
from accord.encoders.integrity import check_weights, read_object
from accord.encoders.language.head import TokenHead

__all__ = ["FOLDER", "read_heads", "write_heads"]

FOLDER = "token_heads"
CONFIG, WEIGHTS = "config.json", "model.safetensors"


def write_heads(heads: Mapping[str, nn.Module], folder: Path) -> None:
    """Write the heads of an encoder into a model's folder; nothing where there are none.

    Args:
        heads: by kind.
        folder: of the model.
    """
    from safetensors.torch import save_file

    if not heads:
        return
    place = folder / FOLDER
    place.mkdir()
    sizes, weights = {}, {}
    for kind, head in heads.items():
        assert isinstance(head, TokenHead)
        sizes[kind] = {
            "inner": head.inner,
            "width": head.width,
            "vocabulary": len(head.bias),
            "transform": head.transform,
        }
        weights |= {f"{kind}.{name}": t.detach().cpu().contiguous() for name, t in head.state_dict().items()}
    (place / CONFIG).write_text(json.dumps(sizes, indent=2) + "\n", encoding="utf-8")
    save_file(weights, place / WEIGHTS, metadata={"format": "pt"})


def read_heads(folder: Path) -> dict[str, TokenHead]:
    """The heads in a model's folder, by kind; none where it has none.

    Args:
        folder: of the model.

    Raises:
        ModelError: damaged files, or weights that do not fit their sizes.
    """
    from safetensors.torch import load_file

    place = folder / FOLDER
    if not place.is_dir():
        return {}
    sizes = read_object(place / CONFIG)
    check_weights(place)
    weights = load_file(place / WEIGHTS)
    try:
        heads = nn.ModuleDict({kind: TokenHead(**size) for kind, size in sizes.items()})
        heads.load_state_dict(weights)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{place} does not hold the token heads that its {CONFIG} names: {error}") from error
    return {kind: head for kind, head in heads.items() if isinstance(head, TokenHead)}
