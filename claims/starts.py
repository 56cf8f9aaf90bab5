"""What a claim starts from: a model folder as it is, cut to its first layers, or with its weights drawn anew.

A packaged encoder may have seen a claim's data in its own training; a fresh one has not, and a cut one has forgotten
part of it.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accord.core.errors import ModelError
from accord.core.storage import atomic_folder, hash_json, read_json, write_json

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["Start"]

LAYER = re.compile(r"(?:^|\.)layers?\.(\d+)\.")
SPREAD = 0.02  # of fresh weights, as BERT draws them


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where training begins.

    Args:
        name: in results.
        layers: how many layers to keep; None for all.
        fresh: draw all weights of the transformer anew, the token table included.
    """

    name: str
    layers: int | None = None
    fresh: bool = False

    def load(
        self, model: str, cache: Path, *, seed: int = 0, device: str | None = None, max_length: int
    ) -> TextEncoder:
        """The start itself, loaded.

        Raises:
            ModelError: a model without a transformer.
        """
        from accord import TextEncoder, load

        found = load(self.folder(model, cache, seed=seed), device=device, max_length=max_length)
        if not isinstance(found, TextEncoder):
            raise ModelError(
                f"{model} is a {type(found).__name__}, and claims train transformers. Name another --model."
            )
        return found

    def folder(self, model: str, cache: Path, *, seed: int = 0) -> str:
        """A model folder that accord can load; made once in `cache`.

        Args:
            model: path, hub name or ``package:MODULE`` of the whole model.
            cache: where made folders are kept.
            seed: of fresh weights.
        """
        from accord import load

        if self.layers is None and not self.fresh:
            return model
        whole = load(model)
        key = hash_json([whole.fingerprint(), self.layers, self.fresh, seed])[:16]
        target = cache / "starts" / key
        if not target.is_dir():
            whole.save(cache / "starts" / f"{key}-whole")
            with atomic_folder(target) as partial:
                shutil.copytree(cache / "starts" / f"{key}-whole", partial, dirs_exist_ok=True)
                (partial / "accord.json").unlink(missing_ok=True)  # its probes are those of the whole model
                self._change(partial, seed)
            shutil.rmtree(cache / "starts" / f"{key}-whole")
        return str(target)

    def _change(self, folder: Path, seed: int) -> None:
        from safetensors.torch import load_file, save_file

        config, weights = _transformer(folder)
        tensors = load_file(weights)
        if self.layers is not None:
            settings = read_json(config)
            write_json(config, {**settings, "num_hidden_layers": self.layers})
            tensors = {name: t for name, t in tensors.items() if _layer(name) < self.layers}
        if self.fresh:
            from accord.core.random import torch_generator

            generator = torch_generator(seed, "fresh weights")
            for name in sorted(tensors):
                tensor = tensors[name]
                if not tensor.is_floating_point():
                    continue
                if tensor.ndim > 1:
                    tensor.normal_(0.0, SPREAD, generator=generator)
                else:
                    tensor.fill_(1.0 if name.endswith("weight") else 0.0)  # normalisation weights; biases
        save_file(tensors, weights, metadata={"format": "pt"})


def _transformer(folder: Path) -> tuple[Path, Path]:
    """Configuration and weights of the transformer inside a sentence-transformers folder."""
    for weights in sorted(folder.rglob("model.safetensors"), key=lambda p: len(p.parts)):
        config = weights.with_name("config.json")
        if config.is_file() and "num_hidden_layers" in read_json(config):
            return config, weights
    raise ModelError(f"{folder} holds no transformer with a model.safetensors. Start from another model.")


def _layer(name: str) -> int:
    found = LAYER.search(name)
    return int(found[1]) if found else -1
