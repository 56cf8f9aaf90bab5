"""A tiny encoder and a small task for the training tests."""

import pyarrow as pa
import pytest
from tiny_models import tiny_encoder_folder

from accord.data import Labelled, Pairs
from accord.encoders import load
from accord.objectives import InfoNCE, SupCon
from accord.training import TrainingTask

WORDS = (
    *("read", "write", "open", "close", "list", "file", "row", "name", "code", "text"),
    *("send", "load", "parse", "join", "split", "sort", "find", "make", "copy", "move"),
)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def tiny(tiny_folder):
    return load(str(tiny_folder))


@pytest.fixture
def pairs():
    couples = [(a, b) for a in WORDS[:10] for b in WORDS[10:14]]
    rows = [
        {"id": str(i), "anchor": f"{a} {b}", "positive": f"{b} the {a} of a {WORDS[i % 7]}"}
        for i, (a, b) in enumerate(couples)
    ]
    return Pairs.of(pa.Table.from_pylist(rows))


@pytest.fixture
def labelled():
    rows = [{"id": str(i), "text": f"{WORDS[i % 5]} {WORDS[5 + i % 9]} {i}", "label": WORDS[i % 5]} for i in range(50)]
    return Labelled.of(pa.Table.from_pylist(rows))


@pytest.fixture
def tasks(pairs, labelled):
    return [
        TrainingTask(name="pairs", signal=pairs, objective=InfoNCE(bidirectional=True)),
        TrainingTask(name="topic", signal=labelled, objective=SupCon()),
    ]
