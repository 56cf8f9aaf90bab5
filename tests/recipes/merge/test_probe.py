"""The probe: losses of any weights on fixed train rows, those of training without dropout; never rows that judge."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import tiny_encoder

from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders import load
from accord.merging.config import ProbeSpec
from accord.objectives import InfoNCE
from accord.recipes.merge.probe import Probe
from accord.recipes.merge.probe_rows import check_apart, probe_tasks, read_probe
from accord.recipes.prepare import prepare


@pytest.fixture
def prepared(job):
    return prepare(job)


@pytest.fixture
def encoder(job):
    return load(job.spec.encoder.model)


@pytest.fixture
def probe(prepared, encoder):
    return Probe(encoder, probe_tasks(prepared, encoder), examples=24, batch=8, seed=3)


def state_of(encoder):
    return {name: tensor.detach().clone() for name, tensor in encoder.state_dict().items()}


def other(seed=1):
    return state_of(tiny_encoder(seed=seed))


def plain_info_nce(encoder, rows, temperature=0.05):
    """The loss of one batch of pairs, from vectors encoded one by one."""
    anchors, positives = (
        torch.cat([encoder(encoder.prepare([text])).pooled[View()] for text in rows.column(name)])
        for name in ("anchor", "positive")
    )
    scores = anchors @ positives.T / temperature
    both = [torch.nn.functional.cross_entropy(s, torch.arange(len(s))) for s in (scores, scores.T)]
    return both[0] if not InfoNCE().bidirectional else sum(both) / 2


def test_a_batch_of_pairs_has_the_loss_of_training(prepared, encoder):
    tasks = probe_tasks(prepared, encoder, ["faq"])
    one = Probe(encoder, tasks, examples=8, batch=8)
    with torch.no_grad():
        wanted = plain_info_nce(encoder, one.rows["faq"])
        assert float(one.loss(state_of(encoder))) == pytest.approx(float(wanted), abs=1e-4)
        assert float(one.task_loss("faq", state_of(encoder))) == pytest.approx(float(wanted), abs=1e-4)


def test_the_weights_that_count_are_those_passed_in(probe, encoder):
    before = state_of(encoder)
    with torch.no_grad():
        own, theirs = probe.loss(before), probe.loss(other())
        assert abs(float(own - theirs)) > 1e-3
        assert float(probe.loss(before)) == float(own)
        encoder.load_state_dict(other())
        assert float(probe.loss(before)) == float(own)
    assert not any(p.grad is not None for p in encoder.parameters())


def test_the_mix_is_the_mean_over_tasks_by_their_loss_weights(job, encoder):
    made = prepare(job.replace({"tasks.topic.loss_weight": 3.0}))
    probe = Probe(encoder, probe_tasks(made, encoder), examples=16, batch=8)
    state = other()
    with torch.no_grad():
        faq, topic = (float(probe.task_loss(name, state)) for name in ("faq", "topic"))
        assert float(probe.loss(state)) == pytest.approx((faq + 3 * topic) / 4, abs=1e-5)
        turns = [float(loss(state)) for loss in probe.losses()]
    assert len(turns) == 2
    assert np.mean(turns) == pytest.approx((faq + 3 * topic) / 4, abs=1e-5)


def test_rows_are_train_rows_and_the_same_for_a_seed(prepared, encoder):
    tasks = probe_tasks(prepared, encoder)
    once, again, else_ = (Probe(encoder, tasks, examples=24, batch=8, seed=s) for s in (1, 1, 2))
    state = other()
    with torch.no_grad():
        assert float(once.loss(state)) == float(again.loss(state)) != float(else_.loss(state))
    assert once.describe() == again.describe() != else_.describe()
    for name, rows in once.rows.items():
        assert set(rows.ids) <= set(prepared.tasks[name].train.ids)
        assert len(rows) <= 24


def test_gradients_with_and_without_recomputing_are_those_of_the_parameters(probe, encoder):
    loss = probe.losses()[0]
    state = {n: t.requires_grad_(t.is_floating_point()) for n, t in state_of(encoder).items()}
    kept = torch.autograd.grad(loss(state), [t for t in state.values() if t.requires_grad], allow_unused=True)
    probe.recompute_above = 0
    again = torch.autograd.grad(loss(state), [t for t in state.values() if t.requires_grad], allow_unused=True)
    for one, two in zip(kept, again):
        assert (one is None) == (two is None)
        assert one is None or torch.allclose(one, two, atol=1e-5)
    name = "backbone.encoder.layer.1.output.dense.bias"
    number = [n for n, t in state.items() if t.requires_grad].index(name)
    step = 1e-3 * torch.nn.functional.normalize(kept[number], dim=0)
    with torch.no_grad():
        up, down = (float(loss({**state, name: state[name] + sign * step})) for sign in (1, -1))
    assert (up - down) / 2e-3 == pytest.approx(float(kept[number].norm()), rel=0.02)


def test_gaps_are_zero_for_the_expert_itself_and_labels_play_no_part(probe, encoder):
    state = state_of(encoder)
    with torch.no_grad():
        assert [float(loss(state)) for loss in probe.gaps({"faq": lambda: state})] == pytest.approx([0, 0, 0], abs=1e-9)
        gap = probe.gaps({"faq": other})[0]
        assert float(gap(state)) > 1e-4
        texts = [t for name in ("anchor", "positive") for t in probe.rows["faq"].column(name)]
        assert len(texts) > 8
    with pytest.raises(InputError, match="nobody to learn similarities from"):
        probe.gaps({})


def test_products_are_those_of_real_tokens(prepared, encoder):
    probe = Probe(encoder, probe_tasks(prepared, encoder, ["topic"]), examples=200, batch=120, chunk_tokens=64)
    found = probe.products(state_of(encoder))
    assert set(found) == {n for n in encoder.state_dict() if n.endswith("weight") and "backbone.encoder" in n
                          and "LayerNorm" not in n} | {"backbone.pooler.dense.weight"}  # fmt: skip
    squares, tokens = 0.0, 0
    with torch.no_grad():
        for turn in range(probe.turns):
            for chunk in probe._batches["topic"][turn].chunks:
                for ids, mask in zip(chunk.input_ids, chunk.attention_mask):
                    one = ids[mask.bool()][None]
                    hidden = encoder.backbone(one, torch.ones_like(one), output_hidden_states=True).hidden_states[0]
                    squares, tokens = squares + float(hidden.square().sum()), tokens + one.shape[1]
    name = "backbone.encoder.layer.0.attention.self.query.weight"
    assert float(found[name].trace()) == pytest.approx(squares / tokens, rel=1e-4)


class Scaled(torch.nn.Module):
    """An objective with a weight of its own."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, scores):
        return self.scale * scores.mean()


def test_what_makes_no_sense_is_refused(prepared, encoder):
    tasks = probe_tasks(prepared, encoder)
    with pytest.raises(InputError, match="at least one task"):
        Probe(encoder, [])
    with pytest.raises(InputError, match="Scaled has weights of its own"):
        Probe(encoder, [replace(tasks[0], objective=Scaled())])
    with pytest.raises(InputError, match="examples"):
        Probe(encoder, tasks, examples=1)
    with pytest.raises(InputError, match=r"has no task `fag`\. Did you mean `faq`"):
        Probe(encoder, tasks, examples=8, batch=8).task_loss("fag", {})
    with pytest.raises(InputError, match=r"no task `topics`\. Did you mean `topic`"):
        probe_tasks(prepared, encoder, ["topics"])


def test_rows_that_judge_are_refused(job, encoder, tmp_path):
    made = prepare(job)
    probe = Probe(encoder, probe_tasks(made, encoder), examples=24, batch=8)
    check_apart(probe.rows, made)
    with pytest.raises(InputError, match=r"overlaps the evaluation: \d+ rows of `faq` stand in the dev or test part"):
        check_apart({"faq": made.tasks["faq"].test}, made)
    swapped = job.replace({"seeds": [5]})
    with pytest.raises(InputError, match=r"The probe overlaps the evaluation"):
        check_apart(probe.rows, made, [prepare(swapped)])
    job.save(tmp_path / "probe.yaml")
    swapped.save(tmp_path / "judge.yaml")
    rows = read_probe(ProbeSpec(recipe="probe.yaml", examples=8, batch=8, tasks=["faq"]), root=tmp_path)
    assert rows.open(encoder).names == ["faq"]
    with pytest.raises(InputError, match=r"judge\.yaml too"):
        read_probe(ProbeSpec(recipe="probe.yaml", held_out=["judge.yaml"]), root=tmp_path)


def test_leaks_that_a_recipe_only_reports_do_not_reach_a_probe(job, tmp_path):
    rows = [json.loads(line) for line in (tmp_path / "faq.jsonl").read_text().splitlines()]
    (tmp_path / "faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows * 2))
    job.replace({"leakage": "report"}).save(tmp_path / "report.yaml")
    with pytest.raises(InputError, match="Set `leakage: drop`"):
        read_probe(ProbeSpec(recipe="report.yaml", tasks=["faq"]), root=tmp_path)
