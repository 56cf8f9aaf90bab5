"""A tiny made-up claim: two ways to guess, on a folder of numbers."""

import json
import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from claims.base import Claim, Outcome, Role
from claims.paired import compare


def run(context):
    truth = np.array(json.loads((context.data["numbers"] / "truth.json").read_text()))

    def side(noise):
        def make():
            generator = np.random.default_rng(0)
            return (truth - noise * generator.random((len(context.seeds), len(truth)))).tolist()

        return {"guess": np.array(context.cached({"noise": noise, "seeds": context.seeds}, make))}

    context.say("guessed")
    paired = compare(side(0.1), side(0.5))
    return Outcome(
        paired=paired, seconds=1.0, tasks=[{"task": "guess", **asdict(paired)}], details={"a": 1}, notes=["made up"]
    )


@pytest.fixture(autouse=True)
def same_log_level():
    """The command line of claims silences warnings for its own process; here other tests follow."""
    logger = logging.getLogger("accord")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture
def claim():
    return Claim(
        name="guess",
        papers=(110,),
        statement="Careful guesses are better.",
        method="careful",
        baseline="careless",
        metric="closeness",
        roles={"numbers": Role(folder="numbers", shape="pairs", what="numbers to guess")},
        run=run,
        seeds={"quick": 2, "full": 3},
        method_files=("core/random.py",),
    )


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data" / "numbers"
    folder.mkdir(parents=True)
    (folder / "truth.json").write_text(json.dumps([float(i) for i in range(30)]))
    return folder.parent
