"""Merging five models beside mergekit: linear, TIES and Breadcrumbs, from memory and from disk.

    python -m benchmarks.merge --peer PYTHON [--runs 3] [--sizes minilm 400m] [--methods linear ties] [--work DIR]

`--peer` is the interpreter of an environment with mergekit 0.1.5, which needs not be this one. Each merge has a process
of its own; runs are interleaved after one that is not measured. Memory is the largest above that after imports, with
mapped files counted. Three ways:

- folder to folder, models shaped like the MiniLM and like an encoder of 400 million weights, of an architecture that
  mergekit's planner can read;
- the MiniLM itself, which that planner cannot read (the error is kept): mergekit loads the files, merges from memory
  and saves;
- the MiniLM from memory to memory, by both: `memory` merges what `load_file` maps, so the first look at each page
  counts; `resident` merges copies that are in memory already, and counts memory above them.

accord is told not to load the result and not to hash models, which mergekit does not do either; `with_hashes` is one
run with them. Its files are forced to the disk, which mergekit leaves to the system; `mergekit, forced` waits for the
disk too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from accord.core.threads import available_cores, settle

settle()

import torch  # noqa: E402
from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from accord.core.environment import environment  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from accord.merging import merge_state_dicts  # noqa: E402
from accord.merging.methods import Breadcrumbs, Linear, Ties  # noqa: E402
from accord.recipes.merge import merge  # noqa: E402
from benchmarks.merge_peer import Watch, copies, resident  # noqa: E402
from benchmarks.texts import RESULTS, model_folder  # noqa: E402

SIZES = {
    "tiny": {"hidden": 64, "inner": 256, "layers": 2, "vocabulary": 1000},
    "minilm": {"hidden": 384, "inner": 1536, "layers": 6, "vocabulary": 30_522},
    "400m": {"hidden": 1024, "inner": 4096, "layers": 18, "vocabulary": 100_000},
}
METHODS: dict[str, tuple[Any, dict[str, Any]]] = {
    "linear": (Linear(), {"weight": 1.0}),
    "ties": (Ties(density=0.2, scope="tensor"), {"weight": 1.0, "density": 0.2}),
    "breadcrumbs": (
        Breadcrumbs(1.0, density=0.8, gamma=0.05, scaling=0.3),
        {"weight": 1.0, "density": 0.8, "gamma": 0.05, "lambda": 0.3},
    ),
}
COUNT, NOISE = 5, 1e-3
IN_MEMORY, FORCED = ("memory", "resident"), "mergekit, forced"
KEYS = ("seconds", "processor_seconds", "megabytes", "megabytes_without_files")


def shapes(hidden: int, inner: int, layers: int, vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Tensors of a small Llama with tied embeddings."""
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocabulary, hidden)}
    for number in range(layers):
        layer = f"model.layers.{number}."
        found |= {f"{layer}self_attn.{part}_proj.weight": (hidden, hidden) for part in "qkvo"}
        found |= {f"{layer}mlp.{part}_proj.weight": (inner, hidden) for part in ("gate", "up")}
        found[f"{layer}mlp.down_proj.weight"] = (hidden, inner)
        found |= {f"{layer}{part}_layernorm.weight": (hidden,) for part in ("input", "post_attention")}
    return found | {"model.norm.weight": (hidden,)}


def make_family(folder: Path, size: str) -> list[Path]:
    """Five models and their base, written once."""
    names = [folder / f"model-{number}" for number in range(COUNT)] + [folder / "base"]
    if all((path / "model.safetensors").is_file() for path in names):
        return names
    draw = torch.Generator().manual_seed(0)
    base = {name: 0.02 * torch.randn(shape, generator=draw) for name, shape in shapes(**SIZES[size]).items()}
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": SIZES[size]["hidden"],
        "intermediate_size": SIZES[size]["inner"], "num_hidden_layers": SIZES[size]["layers"],
        "num_attention_heads": SIZES[size]["hidden"] // 64, "num_key_value_heads": SIZES[size]["hidden"] // 64,
        "vocab_size": SIZES[size]["vocabulary"], "max_position_embeddings": 512, "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True, "torch_dtype": "float32", "hidden_act": "silu",
    }  # fmt: skip
    write_family(names, base, config)
    return names


def make_minilm(folder: Path) -> list[Path]:
    """Five slightly changed copies of the packaged MiniLM, and itself."""
    names = [folder / f"model-{number}" for number in range(COUNT)] + [folder / "base"]
    if not all((path / "model.safetensors").is_file() for path in names):
        weights = load_file(model_folder() / "model.safetensors")
        weights.pop("embeddings.position_ids", None)
        write_family(names, weights, json.loads((model_folder() / "config.json").read_text()))
    return names


def write_family(names: list[Path], base: dict[str, torch.Tensor], config: dict[str, Any]) -> None:
    for number, path in enumerate(names):
        draw = torch.Generator().manual_seed(number + 1)
        own = base
        if path.name != "base":
            own = {name: tensor + NOISE * torch.randn(tensor.shape, generator=draw) for name, tensor in base.items()}
        path.mkdir(parents=True, exist_ok=True)
        save_file(own, path / "model.safetensors", metadata={"format": "pt"})
        write_json(path / "config.json", config)


def job_of(where: str, method: str, family: list[Path], out: Path) -> dict[str, Any]:
    *models, base = map(str, family)
    return {
        "where": where,
        "method": method,
        "models": models,
        "base": None if method == "linear" else base,
        "parameters": METHODS[method][1],
        "out": str(out),
        "threads": available_cores(),
        "hashes": False,
        "forced": False,
    }


def document(job: dict[str, Any]) -> dict[str, Any]:
    """The merge file of a job; mergekit's TIES trims each tensor by itself."""
    return {
        "merge_method": job["method"],
        "models": [{"model": model} for model in job["models"]],
        "parameters": job["parameters"],
        **({"base_model": job["base"]} if job["base"] else {}),
        **({"scope": "tensor"} if job["method"] == "ties" else {}),
    }


def child(job: dict[str, Any]) -> dict[str, Any]:
    """One merge by accord, in this process."""
    torch.set_num_threads(job["threads"])
    method = METHODS[job["method"]][0]
    imports = resident()
    if job["where"] not in IN_MEMORY:
        with Watch() as watch:
            done = merge(document(job), job["out"], load=False, hashes=job["hashes"])
        return {**watch.result(imports), "parts": done.records[0]["seconds"]}
    models = [load_file(Path(folder) / "model.safetensors") for folder in job["models"]]
    base = load_file(Path(job["base"]) / "model.safetensors") if job["base"] else None
    if job["where"] == "resident":
        *models, base = copies([*models, base])
        imports = resident()
    with Watch() as watch, torch.no_grad():
        merged = merge_state_dicts(method, models, base)
    save_file(merged, job["out"])
    return watch.result(imports)


def run(command: list[str], job: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run([*command, json.dumps(job)], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def difference(ours: Path, theirs: Path) -> dict[str, float]:
    """How far apart two results are: the largest gap, and the share of numbers that are more than 1e-6 apart."""
    largest, apart, total = 0.0, 0, 0
    with safe_open(ours, "pt") as one, safe_open(theirs, "pt") as two:
        for name in one.keys():  # noqa: SIM118 -- not a mapping
            gap = (one.get_tensor(name).float() - two.get_tensor(name).float()).abs()
            largest, apart, total = max(largest, float(gap.max())), apart + int((gap > 1e-6).sum()), total + gap.numel()
    return {"largest": largest, "share_above_1e-6": apart / total}


def peer_command(peer: str) -> list[str]:
    return [peer, str(Path(__file__).with_name("merge_peer.py"))]


def place(work: Path, where: str, name: str) -> Path:
    """Where a result goes: a folder, or a file where only tensors are merged."""
    plain = where in IN_MEMORY or (where == "files" and name != "accord")
    return work / f"out-{where}-{name.partition(',')[0]}{'.safetensors' if plain else ''}"


def compare(where: str, family: list[Path], options: argparse.Namespace, work: Path) -> dict[str, Any]:
    ways = {
        "accord": [sys.executable, "-m", "benchmarks.merge", "--child"],
        "mergekit": peer_command(options.peer),
    }
    if where not in IN_MEMORY:
        ways[FORCED] = ways["mergekit"]
    found: dict[str, Any] = {}
    for method in options.methods:
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
        places = {name: place(work, where, name) for name in ways}
        for number in range(options.runs + 1):
            for name, command in ways.items():
                if rows[name] and "failed" in rows[name][0]:
                    continue
                job = job_of(where, method, family, places[name])
                result = run(command, job | {"forced": name == FORCED})
                if number or "failed" in result:
                    rows[name].append(result)
        found[method] = summary(rows)
        if where not in IN_MEMORY:
            job = job_of(where, method, family, places["accord"]) | {"hashes": True}
            found[method]["with_hashes"] = run(ways["accord"], job)
        if all("failed" not in row[0] for row in rows.values()):
            both = (places["accord"], places["mergekit"])
            files = [place / "model.safetensors" if place.is_dir() else place for place in both]
            found[method]["difference"] = difference(*files)
        print(where, method, json.dumps(found[method]))
    return found


def summary(rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    told: dict[str, Any] = {"runs": rows}
    for name, results in rows.items():
        good = [row for row in results if "failed" not in row]
        told[name] = {key: statistics.median(row[key] for row in good) for key in KEYS} if good else results[0]
    if all("seconds" in told[name] for name in rows):
        ours, theirs = told["accord"], told["mergekit"]
        told["times_faster"] = round(theirs["seconds"] / ours["seconds"], 2)
        told["share_of_memory"] = round(ours["megabytes"] / theirs["megabytes"], 3)
        if FORCED in told:
            told["times_faster, both forced"] = round(told[FORCED]["seconds"] / ours["seconds"], 2)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--peer")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", choices=sorted(SIZES), default=["minilm", "400m"])
    parser.add_argument("--methods", nargs="+", choices=sorted(METHODS), default=list(METHODS))
    parser.add_argument("--work", type=Path, help="where models are written, and kept; a temporary folder if not given")
    parser.add_argument("--out", type=Path, default=RESULTS / "merge.json")
    options = parser.parse_args()
    if options.child:
        print("\n" + json.dumps(child(json.loads(options.child))))
        return
    if not options.peer:
        parser.error("--peer is missing: the python of an environment with mergekit 0.1.5")
    result: dict[str, Any] = {"environment": environment(), "models": COUNT, "runs": options.runs}
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).absolute()
        minilm = make_minilm(work / "copies")
        result["MiniLM, mergekit from disk"] = run(
            peer_command(options.peer), job_of("disk", "linear", minilm, work / "no")
        )
        result["MiniLM, files"] = compare("files", minilm, options, work)
        for where in IN_MEMORY:
            result[f"MiniLM, {where}"] = compare(where, minilm, options, work)
        for size in options.sizes:
            result[f"disk, {size}"] = compare("disk", make_family(work / size, size), options, work)
    write_json(options.out, result)


if __name__ == "__main__":
    main()
