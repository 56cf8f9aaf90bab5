"""A data set of the Hugging Face hub, or a folder on the disk that the package `datasets` can read."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from accord.core.checks import did_you_mean
from accord.core.errors import DataError, InputError, require
from accord.core.progress import Progress, silent
from accord.core.spec import Described
from accord.data.arrow import compute as pc
from accord.data.lines import with_origin

__all__ = ["PREFIX", "Hub"]

PREFIX = "hub:"
NAME = re.compile(r"[\w.-]+(/[\w.-]+){0,2}")


class Hub(Described):
    """One split of a data set, read by the package `datasets`; needs the extra `hub`.

    Data sets that consist of data files are read; code that a data set brings is never run. What was downloaded once
    is found again without a network. A column of class numbers gets a second one with their names: ``label`` and
    ``label_text``. A data set without a column `id` gets one: the number of the row, from 0.

    In a recipe and in `accord.read` the same is written ``hub:owner/name/config@split``; config and split may be left
    out.

    Reference: Lhoest et al. (2021), arXiv:2109.02846, Datasets: a community library for natural language processing.

    Args:
        name: ``owner/name`` on the hub; or a folder, of data files or as `save_to_disk` wrote it.
        config: one of its configurations, where it has several.
        split: which part.
        columns: the columns to keep; None for all.
        revision: a commit, tag or branch; None for the newest.

    >>> Hub.parse("hub:sentence-transformers/all-nli/pair@dev")
    Hub(name='sentence-transformers/all-nli', config='pair', split='dev')
    """

    def __init__(
        self,
        name: str,
        config: str | None = None,
        split: str = "train",
        columns: Sequence[str] | None = None,
        revision: str | None = None,
    ) -> None:
        if isinstance(columns, str):
            raise InputError(f"`columns` must be a list of columns. Got {columns!r} instead.")
        self.name = str(name)
        self.config = config
        self.split = split
        self.columns = columns
        self.revision = revision

    @classmethod
    def parse(cls, text: str) -> Hub:
        """The data set that ``hub:owner/name[/config][@split]`` names; ``hub:./folder[@split]`` is a folder.

        Raises:
            InputError: another form.
        """
        place, at, split = text.removeprefix(PREFIX).partition("@")
        if place.startswith((".", "/", "~")):
            name, config = os.path.expanduser(place), None  # a Path would forget the "./"
        elif NAME.fullmatch(place):
            parts = place.split("/")
            name, config = "/".join(parts[:2]), parts[2] if len(parts) == 3 else None
        else:
            name, config = "", None
        if not name or (at and not split):
            raise InputError(f"`{text}` must read hub:owner/name[/config][@split], or hub:./folder[@split].")
        return cls(name, config, split or "train")

    def load(self, progress: Progress = silent) -> pa.Table:
        """Download where needed, and read.

        Raises:
            MissingExtra: the extra `hub` is not installed.
            DataError: no such data set, configuration, split or column, or no network.
        """
        datasets = require("datasets", extra="hub", purpose=f"Reading {self}")
        with progress(f"read {self.name}", total=1, unit="data sets") as advance, _quiet(datasets):
            with self._explained(datasets):
                found = self._read(datasets)
            table = self._table(found)
            advance(1)
        if not table.num_rows:
            raise DataError(f"{self} is empty: it holds no rows.")
        if "id" not in table.column_names and "_id" not in table.column_names:
            table = table.add_column(0, "id", pa.array(np.arange(table.num_rows)).cast(pa.string()))
        return with_origin(table, str(self))

    def __str__(self) -> str:
        return f"{PREFIX}{self.name}{f'/{self.config}' if self.config else ''}@{self.split}"

    def _read(self, datasets: ModuleType) -> Any:
        folder = Path(self.name)
        if any((folder / name).is_file() for name in ("dataset_dict.json", "state.json")):
            found = datasets.load_from_disk(self.name)
            if not hasattr(found, "keys"):
                return found
            if self.split not in found:
                raise DataError(f"{self}: {_no_split(self.split, list(found))}")
            return found[self.split]
        return datasets.load_dataset(self.name, self.config, split=self.split, revision=self.revision)

    def _table(self, found: Any) -> pa.Table:
        if self.columns is not None:
            for name in self.columns:
                if name not in found.column_names:
                    raise DataError(
                        f"{self} has no column `{name}`.{did_you_mean(name, found.column_names)} "
                        f"It has: {', '.join(found.column_names)}."
                    )
            found = found.select_columns(list(self.columns))
        table = found.with_format("arrow")[:]
        for name, feature in found.features.items():
            names = getattr(feature, "names", None)
            if names and f"{name}_text" not in table.column_names:
                numbers = table.column(name)
                known = pa.array([*names, None])  # -1 stands for a label that is held back
                places = pc.if_else(pc.less(numbers, 0), len(names), numbers)
                table = table.append_column(f"{name}_text", known.take(places.combine_chunks()))
        return table.replace_schema_metadata(None)

    @contextmanager
    def _explained(self, datasets: ModuleType) -> Iterator[None]:
        """Errors of the package as one of ours that says what to do."""
        try:
            yield
        except DataError:
            raise
        except datasets.exceptions.DatasetNotFoundError as error:
            raise DataError(
                f"{self}: there is no such data set, or it is private or gated. Look up its name on "
                "huggingface.co/datasets; for a private one, log in with `hf auth login`."
            ) from error
        except (ConnectionError, TimeoutError) as error:
            raise DataError(self._offline(error)) from error
        except ValueError as error:
            raise DataError(f"{self}: {_plain(error)}") from error
        except (OSError, RuntimeError, datasets.exceptions.DatasetsError) as error:
            said = f"{type(error).__name__} {error}"
            if any(word in said for word in ("Connection", "offline", "Timeout", "resolve")):
                raise DataError(self._offline(error)) from error
            raise DataError(f"{self} cannot be read: {_plain(error)}") from error

    def _offline(self, error: Exception) -> str:
        return (
            f"{self}: the hub cannot be reached, and the data set was not downloaded before ({_plain(error)}). "
            f"Where there is a network: hf download {self.name} --repo-type dataset --local-dir FOLDER; then read "
            "hub:./FOLDER."
        )


def _plain(error: Exception) -> str:
    """The first lines of a message of another package, on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."


def _no_split(split: str, known: list[str]) -> str:
    return f"there is no split `{split}`.{did_you_mean(split, known)} There are: {', '.join(known)}."


@contextmanager
def _quiet(datasets: ModuleType) -> Iterator[None]:
    """Without the package's own bars, as ours are asked for, and without a line a try where there is no network."""
    hidden = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    hub = logging.getLogger("huggingface_hub")
    level = hub.level
    hub.setLevel(logging.ERROR)
    try:
        yield
    finally:
        hub.setLevel(level)
        if not hidden:
            datasets.enable_progress_bars()
