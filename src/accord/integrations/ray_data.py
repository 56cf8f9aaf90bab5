"""Ray Data: work that is spread over a cluster, and texts embedded inside a dataset of Ray's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from accord.core.checks import check_at_least
from accord.core.errors import InputError, require

__all__ = ["RayData", "RayEmbedder"]


class RayData:
    """Workers on a Ray cluster; each keeps its model between pieces of work.

    A worker that dies is started anew and its piece is done again, so pieces have to be such that twice is as good as
    once; shards are.

    Args:
        workers: processes, or (fewest, most) of them.
        cpus: cores of each; fractions are allowed. Ray plans by it and lets torch use as many threads.
        gpus: of each; fractions share one.
        address: of a cluster, as `ray.init` takes it; without one the cluster that this process is connected to, or a
            new one on this machine, which ends with the work.

    Raises:
        MissingExtra: Ray is not installed.
        InputError: fewer than one worker, or workers that the cluster has no room for.
    """

    def __init__(
        self, workers: int | tuple[int, int] = 1, *, cpus: float = 1.0, gpus: float = 0.0, address: str | None = None
    ) -> None:
        self.fewest, self.most = (workers, workers) if isinstance(workers, int) else workers
        check_at_least("workers", self.fewest, 1)
        check_at_least("workers", self.most, self.fewest)
        check_at_least("cpus", cpus, 0)
        check_at_least("gpus", gpus, 0)
        self.cpus = cpus
        self.gpus = gpus
        self.address = address
        self._ray: Any = require("ray", extra="scale", purpose="Embedding on a Ray cluster")

    def run(self, work: Callable[[int], int], numbers: Sequence[int]) -> Iterator[int]:
        """Call `work` with each number; gives what each call gave, as it comes.

        Raises:
            InputError: the cluster has no room for the fewest workers.
        """
        if not numbers:
            return
        ours = not self._ray.is_initialized()
        if ours:
            self._ray.init(address=self.address, log_to_driver=False, logging_level="warning")
        try:
            self._check_room()
            yield from self._results(work, numbers)
        finally:
            if ours:
                self._ray.shutdown()

    def _results(self, work: Callable[[int], int], numbers: Sequence[int]) -> Iterator[int]:
        import ray.data as ray_data

        most = min(self.most, len(numbers))
        context = ray_data.DataContext.get_current()
        bars, context.enable_progress_bars = context.enable_progress_bars, False  # accord shows its own
        logger = logging.getLogger("ray.data")
        level = logger.level
        logger.setLevel(logging.ERROR)
        items = ray_data.from_items([{"number": number} for number in numbers], override_num_blocks=len(numbers))
        done = items.map_batches(
            _Worker,
            fn_constructor_args=(work,),
            batch_size=1,
            num_cpus=self.cpus,
            num_gpus=self.gpus or None,
            compute=ray_data.ActorPoolStrategy(min_size=min(self.fewest, most), max_size=most),
        )
        try:
            for row in done.iter_rows():
                yield int(row["done"])
        finally:
            context.enable_progress_bars = bars
            logger.setLevel(level)

    def _check_room(self) -> None:
        """Ray waits for ever for actors that it cannot place."""
        there = self._ray.cluster_resources()
        for name, each in (("CPU", self.cpus), ("GPU", self.gpus)):
            wanted, room = self.fewest * each, there.get(name, 0.0)
            if wanted > room:
                raise InputError(
                    f"{self.fewest} workers of {each:g} {name} need {wanted:g}, and the cluster has {room:g}. Ask for "
                    f"fewer workers or a smaller share of each."
                )


class _Worker:
    """What Ray calls: one process, one function."""

    def __init__(self, work: Callable[[int], int]) -> None:
        self.work = work

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[int]]:
        return {"done": [self.work(int(number)) for number in batch["number"]]}


class RayEmbedder:
    """Embeds a column of a Ray dataset that you have already.

    ``dataset.map_batches(RayEmbedder, fn_constructor_kwargs={"model": "shop/model"}, batch_size=512, concurrency=4)``

    Args:
        model: what :func:`accord.load` takes.
        column: of the texts.
        out: the column of the vectors.
        role: "document" or "query"; says which prompt of the model goes before a text.
        prompt: name of one of the model's prompts, in place of the role's.
        precision: "float32", "bfloat16" or "auto".

    Raises:
        InputError: an unknown role or prompt; when called, no such column.
    """

    def __init__(
        self,
        model: str,
        *,
        column: str = "text",
        out: str = "vector",
        role: str = "document",
        prompt: str | None = None,
        precision: str = "float32",
    ) -> None:
        from accord.core.checks import check_choice
        from accord.encoders import load

        check_choice("role", role, ["document", "query"])
        self.encoder = load(model)
        self.encoder.role_prompt(role, prompt)
        self.column = column
        self.out = out
        self.role = role
        self.prompt = prompt
        self.precision = precision

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch with vectors."""
        if self.column not in batch:
            raise InputError(f"The dataset has no column `{self.column}`. It has: {', '.join(batch)}.")
        encode = self.encoder.encode_query if self.role == "query" else self.encoder.encode_document
        vectors = encode([str(text) for text in batch[self.column]], prompt_name=self.prompt, precision=self.precision)
        return {**batch, self.out: vectors}
