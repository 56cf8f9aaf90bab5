"""Which kind of model a folder holds, from its configuration alone."""

from __future__ import annotations

from pathlib import Path

from accord.encoders.integrity import read_object

__all__ = ["is_cross_encoder"]


def is_cross_encoder(folder: Path) -> bool:
    """Whether a folder holds a model that scores pairs of texts rather than one that makes vectors.

    sentence-transformers says so from release 6 on; before, the folder is a plain transformers one whose architecture
    ends with `ForSequenceClassification`.

    Raises:
        ModelError: a configuration that is not JSON.
    """
    settings = folder / "config_sentence_transformers.json"
    if settings.is_file() and "model_type" in (config := read_object(settings)):
        return config["model_type"] == "CrossEncoder"
    if (folder / "modules.json").is_file() or not (folder / "config.json").is_file():
        return False
    architectures = read_object(folder / "config.json").get("architectures") or [""]
    return str(architectures[0]).endswith("ForSequenceClassification")
