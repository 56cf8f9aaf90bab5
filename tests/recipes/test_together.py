"""`accord fit --processes 2`: the whole job, by two processes that train together."""

import json
import os
import subprocess
import sys

import pytest


def fit(recipe, out, *flags):
    command = [sys.executable, "-m", "accord.cli", "fit", str(recipe), "--out", str(out), *flags]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def losses(out):
    lines = (out / "steps.jsonl").read_text().splitlines()
    return {(r["run"], r["step"], r["task"]): r["loss"] for r in map(json.loads, lines)}


@pytest.mark.slow
def test_two_processes_do_the_whole_job_and_one_speaks(job, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    short = ["--set", "train.chunk_tokens=48", "--set", "train.steps=4", "--set", "evaluate.baselines=[base]", "--json"]
    together = fit(recipe, tmp_path / "two", *short, "--processes", "2", "--track", "tensorboard")
    assert together.returncode == 0, together.stderr
    found = losses(tmp_path / "two")
    assert [step for _, step, _ in found] == [1, 2, 3, 4]
    assert all(0 < loss < 10 for loss in found.values())
    assert {row["model"] for row in json.loads(together.stdout)["scores"]} == {"base", "joint"}
    assert (tmp_path / "two" / "index").is_dir()
    assert any((tmp_path / "two" / "tensorboard" / "joint").iterdir())
    assert not list((tmp_path / "two").rglob(".partial-*"))


@pytest.mark.slow
def test_more_processes_than_chunks_is_the_users_mistake_said_once(job, tmp_path):
    done = fit(tmp_path / "recipe.yaml", tmp_path / "run", "--set", "evaluate.baselines=[]", "--processes", "2")
    assert done.returncode == 2
    assert done.stderr.count("Lower `train.chunk_tokens`") == 1
