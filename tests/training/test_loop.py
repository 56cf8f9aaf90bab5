"""The loop learns, repeats itself bit for bit, and goes on after any stop as if there had been none."""

import json
import os
import signal
import subprocess
import sys

import pytest
import torch

from accord.core.errors import InputError
from accord.core.interrupts import Interrupted
from accord.data import Pairs
from accord.data.samplers import RoundRobin
from accord.encoders import load
from accord.objectives import InfoNCE, SupCon
from accord.training import AdamW, EarlyStopping, Settings, TrainingTask, train
from accord.training.texts import TaskTexts


def settings(**changes):
    usual = {
        "steps": 12,
        "batch": 8,
        "chunk_tokens": 64,
        "optimizer": AdamW(lr=1e-3),
        "sampler": RoundRobin(),
        "precision": "float32",
        "checkpoint_every": 4,
    }
    return Settings(**{**usual, **changes})


def weights(encoder):
    return {name: t.clone() for name, t in encoder.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_it_learns(tiny, pairs):
    losses = []
    task = TrainingTask(name="pairs", signal=pairs, objective=InfoNCE())
    train(tiny, [task], settings(steps=60), on_step=lambda r: losses.append(r.loss))
    assert sum(losses[-10:]) < 0.85 * sum(losses[:10])
    assert not tiny.training


def test_two_runs_are_equal_and_the_global_generator_is_left_alone(tiny_folder, tasks):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    found = []
    for _ in range(2):
        encoder = load(str(tiny_folder))
        train(encoder, tasks, settings(steps=4))
        found.append(weights(encoder))
    assert same(*found)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("tokens", [16, 100_000])
def test_chunks_and_the_cache_do_not_change_the_steps(tiny_folder, pairs, tokens):
    """Without dropout one big chunk, small chunks, and small chunks encoded twice take the same steps."""
    found = []
    for chunk, cache in ((100_000, 100_000), (tokens, 100_000), (tokens, 0)):
        encoder = load(str(tiny_folder))
        for module in encoder.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        task = TrainingTask(name="pairs", signal=pairs, objective=InfoNCE())
        losses = []
        plain = settings(steps=3, chunk_tokens=chunk, cache_above_tokens=cache)
        train(encoder, [task], plain, on_step=lambda r, kept=losses: kept.append(r.loss))
        found.append(losses)
    assert found[1] == pytest.approx(found[0], abs=1e-4)
    assert found[2] == pytest.approx(found[1], abs=1e-5)


def test_resume_ends_with_the_same_bits(tiny_folder, tasks, tmp_path):
    whole = load(str(tiny_folder))
    records = []
    train(whole, tasks, settings(), on_step=records.append)
    interrupted = load(str(tiny_folder))

    def stop(record):
        if record.step == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="step 7 of 12"):
        train(interrupted, tasks, settings(), checkpoints=tmp_path, on_step=stop)
    again = load(str(tiny_folder))
    rest = []
    result = train(again, tasks, settings(), checkpoints=tmp_path, resume=True, on_step=rest.append)
    assert result.resumed_from == 7
    assert [r.step for r in rest] == [8, 9, 10, 11, 12]
    assert [r.loss for r in rest] == [r.loss for r in records[7:]]
    assert same(weights(again), weights(whole))
    assert result.tokens == {name: sum(r.tokens for r in records if r.task == name) for name in ("pairs", "topic")}


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "flip", "missing", "json"])
def test_a_damaged_checkpoint_is_passed_over_and_said_so(tiny_folder, tasks, tmp_path, caplog, damage):
    encoder = load(str(tiny_folder))
    train(encoder, tasks, settings(), checkpoints=tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000004", "step-00000008"]
    newest = tmp_path / "step-00000008"
    target = newest / ("state.json" if damage == "json" else "model.safetensors")
    content = target.read_bytes()
    if damage in {"cut", "json"}:
        target.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        target.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    else:
        target.unlink()
    again = load(str(tiny_folder))
    result = train(again, tasks, settings(), checkpoints=tmp_path, resume=True)
    assert result.resumed_from == 4
    assert "step-00000008 is damaged" in caplog.text
    assert same(weights(again), weights(encoder))


def test_a_checkpoint_of_another_run_is_refused(tiny_folder, tasks, tmp_path):
    train(load(str(tiny_folder)), tasks, settings(), checkpoints=tmp_path)
    with pytest.raises(InputError, match="`batch` = 8, this one has 16"):
        train(load(str(tiny_folder)), tasks, settings(batch=16), checkpoints=tmp_path, resume=True)


def test_early_stopping_keeps_the_best_weights_across_a_resume(tiny_folder, tasks, tmp_path):
    """Scores rise until step 6, then fall: the run stops at 10 with the weights of step 6."""
    told = {}

    def run(resume, stop_at=None):
        encoder = load(str(tiny_folder))

        def score():
            step = told["step"]
            told[step] = weights(encoder)
            return -abs(step - 6)

        def on_step(record):
            told["step"] = record.step
            if record.step == stop_at:
                os.kill(os.getpid(), signal.SIGINT)

        early = settings(steps=40, early_stopping=EarlyStopping(every=2, patience=2))
        return encoder, train(encoder, tasks, early, checkpoints=tmp_path, resume=resume, on_step=on_step, score=score)

    with pytest.raises(Interrupted):
        run(False, stop_at=7)
    encoder, result = run(True)
    assert (result.steps, result.best_step) == (10, 6)
    assert same(weights(encoder), told[6])


def test_a_loss_that_is_not_finite_names_the_task_and_the_step(tiny, pairs):
    class Broken(torch.nn.Module):
        def forward(self, scores):
            return scores.sum() * float("nan")

    with pytest.raises(InputError, match=r"task `broken` is nan at step 1"):
        train(tiny, [TrainingTask(name="broken", signal=pairs, objective=Broken())], settings())


def test_an_objective_that_the_signal_cannot_feed_is_refused_before_step_one(tiny, pairs):
    with pytest.raises(InputError, match=r"Task `pairs`.*`labels`"):
        train(tiny, [TrainingTask(name="pairs", signal=pairs, objective=SupCon())], settings())


def test_prompts_reach_the_tokens_and_equal_texts_cost_once(tiny_folder, pairs):
    counted = {}
    for prompt in ("", "find: "):
        records = []
        task = TrainingTask(
            name="p", signal=pairs.take([0, 1, 2, 3, 4, 5, 6, 7]), objective=InfoNCE(), query_prompt=prompt
        )
        train(load(str(tiny_folder)), [task], settings(steps=1), on_step=records.append)
        counted[prompt] = records[0].tokens
    extra = len(load(str(tiny_folder)).tokenize(["find: "]).ids[0]) - 2
    assert counted["find: "] == counted[""] + 8 * extra


def test_a_text_in_two_roles_has_two_vectors_and_one_in_one_role_has_one(tiny):
    """As both views of itself it is told apart by dropout; as the answer to two questions it costs once."""
    signal = Pairs.of({"anchor": ["a", "b", "c"], "positive": ["a", "same", "same"]})
    task = TrainingTask(name="p", signal=signal, objective=InfoNCE())
    batch = TaskTexts(task, tiny, batch=3, seed=0).batch(0, 64)
    anchors, positives = (dict(zip(texts, place)) for texts, place in zip(batch.roles.texts, batch.gather))
    assert anchors["a"] != positives["a"]
    assert len(set(batch.gather[1].tolist())) == 2
    assert sum(len(chunk) for chunk in batch.chunks) == 5


KILLED = """
import json, os, random, signal, sys, time
from pathlib import Path
from accord.core.threads import settle
settle()
import pyarrow as pa
import torch
torch.set_num_threads(1)
from safetensors.torch import save_file
from accord.data import Pairs
from accord.data import Pairs
from accord.data.samplers import RoundRobin
from accord.encoders import load
from accord.objectives import InfoNCE
from accord.training import AdamW, Settings, TrainingTask, train

model, rows, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])


def run(name):
    pairs = Pairs.of(pa.Table.from_pylist(json.loads(rows.read_text())))
    encoder = load(model)
    plain = {"optimizer": AdamW(lr=1e-3), "sampler": RoundRobin(), "precision": "float32"}
    settings = Settings(steps=40, batch=8, checkpoint_every=1, **plain)
    task = TrainingTask(name="pairs", signal=pairs, objective=InfoNCE())
    train(encoder, [task], settings, checkpoints=folder / name, resume=True)
    save_file(encoder.state_dict(), folder / f"{name}.safetensors")


def begin(name):
    child = os.fork()
    if child == 0:
        try:
            run(name)
        finally:
            os._exit(0 if (folder / f"{name}.safetensors").exists() else 1)
    return child


begun = time.monotonic()
os.waitpid(begin("whole"), 0)
whole, chance, kills = time.monotonic() - begun, random.Random(7), 0
for _ in range(12):
    child = begin("killed")
    time.sleep(chance.uniform(0.1, 0.7) * whole)
    os.kill(child, signal.SIGKILL)
    kills += os.waitpid(child, 0)[1] == signal.SIGKILL
    (folder / "killed.safetensors").unlink(missing_ok=True)
os.waitpid(begin("killed"), 0)
print(kills)
"""


@pytest.mark.slow
def test_kill_nine_at_any_moment_then_resume_gives_the_same_bits(tiny_folder, pairs, tmp_path):
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps(pairs.table.to_pylist()))
    command = [sys.executable, "-c", KILLED, str(tiny_folder), str(rows), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) >= 4
    assert (tmp_path / "whole.safetensors").read_bytes() == (tmp_path / "killed.safetensors").read_bytes()
    assert not list((tmp_path / "killed").glob(".partial-*"))
