"""One merge by mergekit, in a process of its own: seconds and memory as JSON. Run by `benchmarks.merge`."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import torch


def resident() -> dict[str, float]:
    lines = (line.split(":") for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Rss"))
    return {name: int(value.split()[0]) / 1024 for name, value in lines}


class Watch:
    """The largest memory while a block runs: resident, and without pages of files."""

    def __enter__(self):
        self.before, self.most, self.done = resident(), resident(), threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        self.begun, self.begun_cpu = time.perf_counter(), time.process_time()
        return self

    def look(self):
        while not self.done.wait(0.005):
            now = resident()
            self.most = {name: max(value, now[name]) for name, value in self.most.items()}

    def __exit__(self, *_):
        self.seconds, self.cpu = time.perf_counter() - self.begun, time.process_time() - self.begun_cpu
        self.done.set()
        self.thread.join()

    def result(self, imports):
        grown = {name: self.most[name] - imports[name] for name in imports}
        return {
            "seconds": round(self.seconds, 3),
            "processor_seconds": round(self.cpu, 3),
            "megabytes": round(sum(grown.values()), 1),
            "megabytes_without_files": round(grown["RssAnon"], 1),
        }


def copies(models):
    """The same tensors, in memory rather than mapped."""
    return [model and {name: tensor.clone() for name, tensor in model.items()} for model in models]


def force(path):
    """Wait until a file, or the files of a folder, are on the disk."""
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        handle = os.open(file, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def in_memory(job):
    """What is left to do where the planner fails: load, merge from memory, save; or only the merge."""
    from mergekit.merge_methods.api import merge_state_dicts
    from safetensors.torch import load_file, save_file

    def load():
        models = [load_file(Path(folder) / "model.safetensors") for folder in job["models"]]
        return [*models, load_file(Path(job["base"]) / "model.safetensors")] if job["base"] else models

    def merge(models):
        base = len(models) - 1 if job["base"] else None
        return merge_state_dicts(models, job["method"], parameters=job["parameters"], base=base)

    def save(merged):
        save_file({name: tensor.contiguous() for name, tensor in merged.items()}, job["out"])

    imports = resident()
    with torch.no_grad():
        if job["where"] == "files":
            with Watch() as watch:
                save(merge(load()))
                if job["forced"]:
                    force(Path(job["out"]))
        else:
            models = load()
            if job["where"] == "resident":
                models = copies(models)
                imports = resident()
            with Watch() as watch:
                merged = merge(models)
            save(merged)
    return watch.result(imports)


def on_disk(job):
    from mergekit.config import MergeConfiguration
    from mergekit.merge import run_merge
    from mergekit.options import MergeOptions

    spec = {
        "merge_method": job["method"],
        "models": [{"model": model} for model in job["models"]],
        "parameters": job["parameters"],
        **({"base_model": job["base"]} if job["base"] else {}),
    }
    config = MergeConfiguration.model_validate(spec)
    options = MergeOptions(cuda=False, copy_tokenizer=False, quiet=True, write_model_card=False)
    imports = resident()
    with Watch() as watch:
        run_merge(config, job["out"], options)
        if job["forced"]:
            force(Path(job["out"]))
    return watch.result(imports)


def main():
    job = json.loads(sys.argv[1])
    torch.set_num_threads(job["threads"])
    try:
        found = (on_disk if job["where"] == "disk" else in_memory)(job)
    except Exception as error:
        found = {"failed": f"{type(error).__name__}: {error}"[:300]}
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
