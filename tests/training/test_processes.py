"""Several processes train as one: the same losses, gradients and weights; and they stop together."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from accord.core.errors import InputError
from accord.training.checkpoints import latest_checkpoint
from accord.training.processes import ALONE, Processes, join

JOB = Path(__file__).with_name("shared_job.py")
VARIANTS = (
    "plain+dropout=0",
    "usual",
    "cached+cached",
    "mixed+mixed+recompute",
    "balanced+balanced",
    "flat+flat+cached",
    "early+early",
    "average+average",
)


MISTAKES = ("chunks+chunk=4096", "broken+broken", "score+early+fails")
STOPPED, RESUMED, WHOLE, ALONE_AGAIN = (
    "stopped+kept+interrupt=1:4",
    "resumed+kept+resume",
    "whole",
    "alone+kept+resume",
)


def run(model, out, names, *, processes):
    command = [sys.executable, str(JOB), str(model), str(out), *names]
    if processes > 1:
        command[1:1] = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def results(tiny_folder, tmp_path_factory):
    """Folders of what one process did, and of what two did; the one resumes a checkpoint of the two."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    run(tiny_folder, two, [*VARIANTS, *MISTAKES, "small+batch=4+chunk=8", STOPPED, RESUMED, WHOLE], processes=2)
    (one / "checkpoints").symlink_to(two / "checkpoints")
    run(tiny_folder, one, [*VARIANTS, ALONE_AGAIN], processes=1)
    return one, two


def message(folder, name, rank=0):
    return (folder / f"{name}-{rank}.error").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_two_processes_take_the_steps_of_one(results, name):
    """With dropout too: masks belong to chunks, whoever takes them. AdamW's eps keeps rounding from growing."""
    one, two = (json.loads((folder / f"{name}.json").read_text()) for folder in results)
    assert [(r["step"], r["task"], r["tokens"]) for r in one] == [(r["step"], r["task"], r["tokens"]) for r in two]
    assert [r["loss"] for r in two] == pytest.approx([r["loss"] for r in one], rel=2e-6)
    assert [r["gradient_norm"] for r in two] == pytest.approx([r["gradient_norm"] for r in one], rel=2e-5)
    expected, found = (load_file(folder / f"{name}-0.safetensors") for folder in results)
    for key, weight in expected.items():
        torch.testing.assert_close(found[key], weight, rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_all_processes_hold_the_same_bits(results, name):
    """They start from the leading process's weights, although the job disturbs those of the other."""
    first, second = (load_file(results[1] / f"{name}-{rank}.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.slow
def test_mistakes_and_failures_stop_all_with_one_message(results):
    _, two = results
    expected = (
        "makes 1 chunk(s) for 2 processes: some have nothing to do. Lower `train.chunk_tokens` (now 4096",
        "The loss of task `pairs` is nan at step",
        "Process 0 stopped: OSError: the dev part is gone",
    )
    for name, words in zip(MISTAKES, expected):
        assert words in message(two, name, 1)
    for name in MISTAKES[:2]:
        assert message(two, name, 0) == message(two, name, 1)
    assert message(two, MISTAKES[2], 0) == "OSError: the dev part is gone"


@pytest.mark.slow
def test_ctrl_c_in_one_process_stops_all_and_resume_repeats_the_bits(results):
    _, two = results
    for rank in (0, 1):
        assert message(two, STOPPED, rank).startswith("Interrupted: Stopped after step 4 of 6")
    assert [r["step"] for r in json.loads((two / f"{RESUMED}.json").read_text())] == [5, 6]
    resumed, whole = (load_file(two / f"{name}-0.safetensors") for name in (RESUMED, WHOLE))
    assert all(torch.equal(resumed[key], whole[key]) for key in whole)


@pytest.mark.slow
def test_a_checkpoint_of_other_processes_is_refused_with_the_reason(results):
    one, _ = results
    assert "was written by 2 process(es), and this run has 1: their sums" in message(one, ALONE_AGAIN)


def test_one_process_exchanges_nothing():
    assert join() is ALONE
    assert ALONE.leads
    assert ALONE.lead(lambda: {"a": 1}) == {"a": 1}
    assert ALONE.any(True)
    part = torch.ones(2, 3, requires_grad=True)
    (found,) = ALONE.gather({0: part}, 1)
    assert not found.requires_grad
    with pytest.raises(KeyError):
        ALONE.together(lambda: {}["missing"])


def test_a_batch_smaller_than_the_processes_is_refused(tiny, pairs):
    from accord.objectives import InfoNCE
    from accord.training import Settings, TrainingTask
    from accord.training.state import Training

    task = TrainingTask(name="pairs", signal=pairs, objective=InfoNCE())
    with pytest.raises(InputError, match=r"`train\.batch` is 2 for 3 processes"):
        Training(tiny, [task], Settings(steps=1, batch=2), run="r", processes=Processes(0, 3), keeps=False)


def test_a_checkpoint_of_before_there_were_processes_counts_as_of_one(tmp_path):
    assert latest_checkpoint(tmp_path, {"processes": 2}) is None
