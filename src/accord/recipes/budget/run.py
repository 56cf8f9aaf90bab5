"""The cheapest way to serve a model that keeps its quality: sizes, codecs and precisions measured on one's own data."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.compression.elastic.sizes import shape_of
from accord.core.checks import check_at_least
from accord.core.environment import environment
from accord.core.errors import InputError, MissingExtra
from accord.core.interrupts import Interrupted
from accord.core.progress import Progress, silent
from accord.core.storage import clear_leftovers, hash_json, storage_errors, write_json
from accord.core.types import View
from accord.core.user_cache import user_cache
from accord.encoders.pairs import CrossEncoder
from accord.evaluation import KeptResults
from accord.evaluation.encoding import similarity_kind
from accord.recipes.budget.choice import Limits, choose, on_frontier
from accord.recipes.budget.costs import Clock, Notebook, document_bytes, model_bytes
from accord.recipes.budget.quality import Judge, Judged, kept_share, kept_shares
from accord.recipes.budget.readers import Codecs, Unfitted
from accord.recipes.budget.record import commands, row_of, verdict_of
from accord.recipes.budget.sizes import Configuration, backends, codec_specs, codecs_of, sizes_of
from accord.recipes.budget.texts import document_texts, query_texts
from accord.recipes.budget.vectors import Vectors
from accord.recipes.evaluate import load_any
from accord.recipes.prepare import Prepared, PreparedTask, prepare
from accord.recipes.recipe import Recipe
from accord.reporting import write_frontier

__all__ = ["Budget", "Limits", "budget"]

log = logging.getLogger(__name__)

FORMAT = "accord-budget/1"
FLOOR = 0.9
"""A size that keeps less than this share of the quality, and less than was asked, is not combined with codecs."""
FASTER = 0.95
"""Share of the float32 time that another precision must stay under to be worth measuring."""


@dataclass(frozen=True)
class Budget:
    """What was found.

    Args:
        path: folder with `budget.json` and `frontier.html`; None where nothing was to be written.
        record: what `budget.json` holds.
    """

    path: Path | None
    record: Mapping[str, Any]

    @property
    def chosen(self) -> Mapping[str, Any] | None:
        """The configuration that was chosen; None where nothing was asked, or nothing meets the budget."""
        return next((row for row in self.rows if row["chosen"]), None)

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Every configuration with what it costs and keeps."""
        return self.record["configurations"]

    @property
    def met(self) -> bool:
        """Whether something meets the budget; True where there is no limit."""
        return self.record["verdict"]["status"] != "none"


def budget(
    model: Any,
    recipe: Recipe | str | Path | Prepared,
    *,
    limits: Limits | None = None,
    out: Path | str | None = None,
    sizes: Sequence[Any] | None = None,
    codecs: Sequence[str] | None = None,
    documents: int = 100_000,
    progress: Progress = silent,
) -> Budget:
    """Measure sizes, codecs and precisions of a model on a recipe's tasks, and choose the cheapest within limits.

    Dev rows choose. Test rows are read once, at the end, for the configurations on the frontier, the chosen one and
    the whole model.
    Codecs and probes learn from train rows. The model is only read.

    Args:
        model: an encoder, or what :func:`accord.load` takes.
        recipe: whose tasks and evaluations say what quality is: a recipe, its name or path, or prepared data.
        limits: of milliseconds a query, megabytes and quality; without any, the frontier is drawn and nothing chosen.
        out: folder for `budget.json`, `frontier.html` and what a rerun takes up again; when not given, that is kept in
            the user's cache and nothing is written.
        sizes: to try, as in a recipe's `train.sizes`; what the model was trained for when not given, else a grid.
        codecs: to try, as `accord index --codec` takes them; a usual list when not given.
        documents: of the collection that a query is searched in, for its milliseconds.
        progress: opens bars.

    Returns:
        The record, and where it lies.

    Raises:
        InputError: a cross-encoder, a task without dev rows or test rows, a size or codec that there is not, or a
            folder that holds something else.
        Interrupted: on Ctrl-C; what was measured is kept.
    """
    check_at_least("documents", documents, 1)
    if codecs is not None:
        codec_specs(codecs)
    folder = None if out is None else Path(out)
    if folder is not None:
        _check_folder(folder)
    encoder = load_any(model) if isinstance(model, (str, Path)) else model
    if isinstance(encoder, CrossEncoder):
        raise InputError(f"{model} is a cross-encoder: it gives scores and no vectors to shrink. Name an encoder.")
    prepared = recipe if isinstance(recipe, Prepared) else prepare(_recipe(recipe), progress=progress)
    name = str(model) if isinstance(model, (str, Path)) else type(encoder).__name__
    work = _Budget(
        encoder, name, prepared, limits or Limits(), folder, sizes=sizes, codecs=codecs, documents=documents,
        progress=progress,
    )  # fmt: skip
    try:
        return work.run()
    except KeyboardInterrupt as stop:
        raise Interrupted("Stopped. What was measured is kept; the same command goes on from there.") from stop


def _recipe(recipe: Recipe | str | Path) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)


def _check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"`--out` {folder} is a file. Name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "measured").is_dir():
        raise InputError(f"`--out` {folder} is not empty and holds no budget. Name a new or empty folder.")


def _judged_tasks(prepared: Prepared) -> list[PreparedTask]:
    """The tasks that can judge vectors.

    Raises:
        InputError: none, or one without rows to choose by.
    """
    if prepared.recipe.spec.encoder.kind == "cross-encoder":
        raise InputError("The recipe is a cross-encoder's: its tasks judge scores of pairs and no vectors. Name a "
                         "recipe of an encoder.")  # fmt: skip
    tasks = [task for task in prepared.tasks.values() if task.evaluations]
    if not tasks:
        raise InputError("No task of the recipe is evaluated. Give one an `evaluate`.")
    for task in tasks:
        if not len(task.dev):
            raise InputError(
                f"tasks.{task.name} has no dev rows, and these choose. Raise `split.dev`, or name a `dev_source`."
            )
    return tasks


class _Budget:
    """One call of :func:`budget`."""

    def __init__(
        self,
        encoder: Any,
        name: str,
        prepared: Prepared,
        limits: Limits,
        folder: Path | None,
        *,
        sizes: Sequence[Any] | None,
        codecs: Sequence[str] | None,
        documents: int,
        progress: Progress,
    ) -> None:
        self.encoder, self.name, self.prepared = encoder, name, prepared
        self.limits, self.folder, self.documents, self.progress = limits, folder, documents, progress
        self.tasks = _judged_tasks(prepared)
        self.spec = prepared.recipe.spec
        self.shape = shape_of(encoder)
        self.sizes = sizes_of(self.shape, encoder.metadata, sizes)
        self.asked_codecs = codecs
        self.seconds: dict[str, float] = {}
        self.left_out: list[dict[str, str]] = []
        self.fingerprint = encoder.fingerprint()
        key = hash_json([self.fingerprint, prepared.hashes()])[:16]
        self.scratch = user_cache("budget") / key if folder is None else folder / "measured"
        views, seed = list(self.sizes.values()), self.spec.seeds[0]
        self.vectors = {
            backend: Vectors(encoder, views, backend, self.scratch / "vectors", progress)
            for backend in backends(encoder)
        }
        self.codecs = Codecs(self.vectors, document_texts(self.tasks, encoder, seed), seed=seed)
        self.judge = Judge(self.tasks, self.vectors, self.codecs, KeptResults(self.scratch / "results"), seed)
        self.notes = Notebook(self.scratch / "notes.json")
        self.clock = Clock(self.notes, encoder, documents)
        self.judged: dict[Configuration, Judged] = {}
        self.costs: dict[Configuration, dict[str, float]] = {}

    def run(self) -> Budget:
        """All stages."""
        with storage_errors(self.scratch):
            self.scratch.mkdir(parents=True, exist_ok=True)
            clear_leftovers(self.scratch)
        with self.stage("milliseconds a query"):
            queries = query_texts(self.tasks, self.encoder, self.spec.seeds[0])
            times = self.clock.encode(list(self.sizes.values()), list(self.vectors), queries)
        with self.stage("sizes"):
            whole, *plain = [
                Configuration(view, size, backend)
                for size, view in self.sizes.items()
                for backend in self._worthwhile(view, times)
            ]
            self._measure([whole, *plain], times, "sizes")
        with self.stage("codecs"):
            self._measure(self._coded(whole, plain), times, "codecs")
        rows = [self._row(config, whole) for config in self.judged]
        front = on_frontier(rows)
        place = choose(rows, self.limits)
        shown = [config for number, config in enumerate(self.judged) if front[number] or number in {0, place}]
        with self.stage("intervals on dev rows"):
            shares = self._shares(shown, self.judged, whole)
        with self.stage("test rows"):
            tested = self._judge_all(shown, "test", "test rows")
            final = self._shares(shown, tested, whole)
        for number, (row, config) in enumerate(zip(rows, self.judged)):
            row |= {"frontier": front[number], "chosen": number == place}
            row |= {"dev": shares.get(config, row["dev"]), "test": final.get(config)}
        record = self._record(rows)
        shutil.rmtree(self.scratch / "vectors", ignore_errors=True)
        return Budget(self.folder, self._written(record))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a part of the run."""
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begun, 2)

    def _worthwhile(self, view: View, times: Mapping[tuple[View, str], float]) -> list[str]:
        """The precisions of a size that are faster than float32 for one query, and float32."""
        depth = View(layer=view.layer, width=view.width)
        exact = times[depth, "float32"]
        found = ["float32"]
        for backend in list(self.vectors)[1:]:
            if times[depth, backend] < FASTER * exact:
                found.append(backend)
            elif view == depth:
                size = next(name for name, other in self.sizes.items() if other == view)
                why = f"{times[depth, backend]:.1f} ms a query, no faster than float32 with {exact:.1f} ms"
                self.left_out.append({"what": f"{backend} at {size}", "why": why})
        return found

    def _coded(self, whole: Configuration, plain: Sequence[Configuration]) -> list[Configuration]:
        """The sizes that keep enough, with each codec."""
        least = FLOOR if self.limits.keep is None else min(FLOOR, self.limits.keep)
        found = []
        for config in (whole, *plain):
            kept = kept_share(self.judged[config], self.judged[whole])
            if kept < least:
                why = f"keeps {100 * kept:.1f} % before any codec, below {100 * least:.0f} %"
                self.left_out.append({"what": f"codecs at {config.size}", "why": why})
                continue
            dim = config.view.dim or self.shape.dim
            for spec, rescore in codecs_of(dim, self.asked_codecs, whole=config.view.dim is None):
                found.append(Configuration(config.view, config.size, config.backend, _short(spec), spec, rescore))
        return found

    def _measure(self, configs: Sequence[Configuration], times: Mapping[tuple[View, str], float], label: str) -> None:
        """Judge configurations on dev rows and find what they cost; what cannot be fitted is left out."""
        self.judged |= self._judge_all(configs, "dev", label)
        for config in configs:
            if config in self.judged:
                self.costs[config] = self._costs(config, times)

    def _judge_all(self, configs: Sequence[Configuration], split: str, label: str) -> dict[Configuration, Judged]:
        found: dict[Configuration, Judged] = {}
        failed: dict[tuple[str, str], list[str]] = {}
        with self.progress(label, total=len(configs), unit="configurations") as advance:
            for config in configs:
                key = ("failed", self.codecs.identity, self.fingerprint, config.size, config.name)
                why = self.notes.get(key)
                if why is None:
                    try:
                        found[config] = self.judge.judged(config, split)
                    except Unfitted as error:
                        why = str(error)
                        self.notes.note({key: why})
                if why is not None:
                    failed.setdefault((config.codec.partition("(")[0], why), []).append(config.name)
                advance(1)
        self.left_out += [{"what": f"{codec} ({len(names)} configurations)", "why": why}
                          for (codec, why), names in failed.items()]  # fmt: skip
        return found

    def _costs(self, config: Configuration, times: Mapping[tuple[View, str], float]) -> dict[str, float]:
        key = ("costs", self.codecs.identity, self.fingerprint, hash_json(config.as_json()), self.documents)
        fixed = self.notes.get((*key, *self.clock.whose))
        if fixed is None:
            fixed = self._fixed_costs(config)
            self.notes.note({(*key, *self.clock.whose): fixed})
        encode = times[View(layer=config.view.layer, width=config.view.width), config.backend]
        return {"ms": round(encode + fixed["ms_search"], 4), "ms_encode": round(encode, 4), **fixed}

    def _fixed_costs(self, config: Configuration) -> dict[str, float]:
        """What does not depend on the time of encoding."""
        dim, codec = config.view.dim or self.shape.dim, self.codecs.fitted(config) if config.spec else None
        ram, disk = document_bytes(config, dim, codec)
        search = self.clock.search(config, codec, lambda: self.codecs.sample(config), similarity_kind(self.encoder))
        tables = 0 if codec is None else sum(array.nbytes for array in codec.arrays().values())
        return {
            "ms_search": round(search, 4),
            "mb_per_million": float(ram),
            "disk_mb_per_million": float(disk),
            "codec_mb": round(tables / 1e6, 4),
            "model_mb": round(model_bytes(self.encoder.cut(config.view)) / 1e6, 3),
        }

    def _row(self, config: Configuration, whole: Configuration) -> dict[str, Any]:
        kept = kept_share(self.judged[config], self.judged[whole])
        return row_of(config, self.shape, self.costs[config], self.costs[whole]) | {"dev": {"kept": kept}}

    def _shares(
        self, configs: Sequence[Configuration], judged: Mapping[Configuration, Judged], whole: Configuration
    ) -> dict[Configuration, dict[str, Any]]:
        rules = self.spec.evaluate
        return {
            config: kept_shares(judged[config], judged[whole], level=rules.level, resamples=rules.resamples)
            for config in configs
        }

    def _record(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        for row in rows:
            row["commands"] = commands(row, self.name) if row["test"] else []
        return {
            "format": FORMAT,
            "model": self.name,
            "recipe": self.prepared.recipe.origin,
            "fingerprint": self.fingerprint,
            "whole": str(self.shape),
            "limits": self.limits.as_json(),
            "documents": self.documents,
            "level": self.spec.evaluate.level,
            "tasks": [
                {"name": t.name, "metrics": [str(e.primary) for e in t.evaluations], "dev": len(t.dev),
                 "test": len(t.test)} for t in self.tasks
            ],
            "verdict": verdict_of(rows, self.limits),
            "configurations": list(rows),
            "left_out": self.left_out,
            "encoded": {name: vectors.encoded for name, vectors in self.vectors.items()},
            "seconds": self.seconds,
            "environment": environment(),
            "data_hashes": self.prepared.hashes(),
        }  # fmt: skip

    def _written(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.folder is not None:
            write_json(self.folder / "budget.json", record)
            try:
                write_frontier(self.folder)
            except MissingExtra as error:
                log.warning("%s", error)
        return record


def _short(spec: Mapping[str, Any]) -> str:
    """A codec in few letters: `ProductQuantizer(parts=48)`."""
    (name, arguments), *_ = spec.items()
    shown = ", ".join(f"{key}={value}" for key, value in arguments.items())
    return f"{name}({shown})" if shown else name
