"""A whole job in miniature: two data files, a tiny encoder, a recipe that trains it in seconds."""

import json

import pytest
import yaml
from tiny_models import tiny_encoder_folder

from accord.recipes.fit import fit
from accord.recipes.recipe import Recipe

THINGS = ("file", "row", "list", "name", "code", "text", "tree", "socket", "thread", "queue", "date", "path")
ACTIONS = ("read", "write", "open", "close", "sort", "send", "parse", "join", "split", "copy")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model")


def write_job(folder, encoder):
    """Write the files of the job, and give its recipe."""
    pairs = [{"question": f"{a} the {t}", "answer": f"{t} {a} now {i}"} for i, (a, t) in enumerate(
        (a, t) for a in ACTIONS for t in THINGS
    )]  # fmt: skip
    (folder / "faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))
    lines = [f"{a} a {t} at once,{a}" for a in ACTIONS for t in THINGS]
    (folder / "topics.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    value = {
        "format": "accord-recipe/1",
        "encoder": {"model": str(encoder), "max_length": 16},
        "sources": {"faq": "faq.jsonl", "topics": "topics.csv"},
        "tasks": {
            "faq": {
                "source": "faq",
                "signal": "Pairs",
                "columns": {"anchor": "question", "positive": "answer"},
                "split": {"dev": 0.1, "test": 0.25},
                "objective": "InfoNCE",
                "evaluate": {"Retrieval": {"metrics": ["nDCG@10"], "primary": "nDCG@10"}},
            },
            "topic": {
                "source": "topics",
                "signal": "Labelled",
                "split": {"dev": 0.1, "test": 0.25, "stratify": "label"},
                "objective": "SupCon",
                "evaluate": ["Classification", "Clustering"],
            },
        },
        "train": {
            "batch": 16,
            "steps": 8,
            "checkpoint_every": 2,
            "precision": "float32",
            "optimizer": {"AdamW": {"lr": 1e-3}},
        },
        "evaluate": {"resamples": 200, "precision": "float32"},
        "index": {"task": "faq", "column": "answer"},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(value))
    return Recipe.load(path)


@pytest.fixture
def job(tmp_path, tiny_folder):
    """The recipe of the job; its files lie in `tmp_path`."""
    return write_job(tmp_path, tiny_folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny_folder):
    """The folder of a finished run of the job; not to be changed."""
    folder = tmp_path_factory.mktemp("job")
    return fit(write_job(folder, tiny_folder), out=folder / "run").path


@pytest.fixture
def same_job(finished):
    """The recipe of the finished run, from the place where it was run."""
    return Recipe.load(finished.parent / "recipe.yaml")
