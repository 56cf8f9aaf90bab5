"""Every claim runs from end to end on made-up data of the right shapes, from a tiny encoder, in seconds."""

import importlib
import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_models import tiny_encoder_folder

from claims.runner import data_folders, run_claim
from claims.starts import Start
from claims.study import Regime

CLAIMS = [
    "definitions",
    "instructions",
    "llm_embedder",
    "paragraph_tasks",
    "random_crops",
    "source_token",
    "two_stages",
    "visual_noise",
]
THINGS = ("file", "row", "list", "name", "code", "text")
SMALL = {"batch": 6, "queries": 8, "documents": 20, "pairs": 24, "entries": 30, "sentences": 60, "probe": 30}


def sentence(n):
    return f"{'Read' if n % 2 else 'Write'} the {THINGS[n % 6]} number {n} of {THINGS[n // 6 % 6]}."


def lines(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def retrieval(folder, *, splits):
    documents = [
        {
            "id": f"d{n}",
            "title": "",
            "text": f"{folder.name}: {sentence(n)} Then close {n} slowly. Number {n} is {folder.name}.",
        }
        for n in range(60)
    ]
    lines(folder / "corpus.jsonl", documents)
    lines(
        folder / "queries.jsonl",
        [{"id": f"q{n}", "text": f"{folder.name}, what is {n} in {THINGS[n % 6]}?"} for n in range(60)],
    )
    for k, split in enumerate(splits):
        chosen = range(20 * k, 20 * (k + 1)) if len(splits) > 1 else range(60)
        rows = "".join(f"q{n}\td{n}\t1\n" for n in chosen)
        (folder / f"qrels{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)


def scored(folder):
    for k, part in enumerate(("train", "dev", "test")):
        rows = [
            {"text1": sentence(100 * k + n), "text2": sentence(100 * k + n + n % 4), "score": float(5 - n % 4)}
            for n in range(40)
        ]
        lines(folder / f"{part}.jsonl", rows)


def labelled(folder):
    for k, part in enumerate(("train", "test")):
        rows = [{"text": f"{folder.name} {sentence(100 * k + n)}", "label": THINGS[n % 3]} for n in range(45)]
        lines(folder / f"{part}.jsonl", rows)


def pairs(folder, files=()):
    for k, part in enumerate(("train", "test")):
        rows = [
            {"anchor": f"{folder.name} {part} {n}", "positive": f"{folder.name} {sentence(200 * k + n)}"}
            for n in range(40)
        ]
        rows = [{**row, "text1": sentence(500 + n), "text2": sentence(700 + n)} for n, row in enumerate(rows)]
        lines(folder / f"{part}.jsonl", rows)


def triplets(folder):
    rows = [{"anchor": sentence(n), "positive": f"The {n}.", "negative": f"No {n}."} for n in range(300, 340)]
    lines(folder / "triplets.train.jsonl", rows)


def entities(folder):
    rows = [f'{n:08d}\t{THINGS[n % 6]} {n}, a thing that one can {n} times open; "as in {n}"\n' for n in range(60)]
    (folder / "entity2text.tsv").write_text("".join(rows))


def made_up(folder, role, name):
    folder.mkdir(parents=True, exist_ok=True)
    if role.shape == "retrieval":
        retrieval(folder, splits=("",) if role.folder in {"cranfield", "cisi"} else (".train", ".dev", ".test"))
    else:
        {"scored": scored, "labelled": labelled, "pairs": pairs, "triplets": triplets, "entities": entities}[
            role.shape
        ](folder)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model", layers=2, hidden=16))


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_it_runs_and_goes_on_from_what_is_finished(name, tiny, tmp_path, monkeypatch):
    module = importlib.import_module(f"claims.{name}")
    claim = module.CLAIM
    for role, declared in claim.roles.items():
        made_up(tmp_path / "data" / declared.folder, declared, role)
    scale = module.SCALES["quick"]
    regime = Regime(start=Start(name="one layer", layers=1), steps=10, rates=(1e-3, 3e-3))
    sizes = {field: size for field, size in SMALL.items() if hasattr(scale, field)}
    monkeypatch.setitem(module.SCALES, "quick", replace(scale, regimes=(regime,), max_length=48, **sizes))
    folders = data_folders(claim, str(tmp_path / "data"), {})
    said = []
    row = run_claim(claim, folders, model=tiny, cache=tmp_path / "cache", say=said.append)
    assert row["effect"] == pytest.approx(np.mean([task["effect"] for task in row["tasks"]]))
    assert row["verdict"] in {"holds", "fails", "inconclusive"}
    arms = row["details"]["starts"]["one layer"]["arms"]
    trained = [arm for arm in arms if "steps" in arm]
    assert {arm["steps"] for arm in trained if not arm["arm"].endswith(" alone") or name == "two_stages"} <= {10, 9}
    assert all(arm["rate"] == float(max(arm["dev"], key=arm["dev"].get)) for arm in arms)
    assert all(len(arm["by_seed"]) == 2 for arm in arms)
    monkeypatch.setattr("accord.training.train", lambda *_, **__: pytest.fail("a finished part was trained again"))
    again = run_claim(claim, folders, model=tiny, cache=tmp_path / "cache", say=said.append)
    assert all(again[key] == row[key] for key in ("effect", "ci", "p", "seconds"))
