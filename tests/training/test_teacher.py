"""A teacher beside the model: what it gives, that each text is asked once, and what a task without one is told."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_encoder

from accord.core.errors import InputError
from accord.data import Pairs, Ranked, Scored
from accord.data.samplers import RoundRobin
from accord.encoders import load
from accord.maths.similarity import pairwise_similarity, similarity
from accord.objectives import BatchKL, InfoNCE, ListKL, MarginMSE, MetricLearning, PairMSE, VectorDistillation
from accord.training import AdamW, Settings, TrainingTask, train
from accord.training.fields import roles_of
from accord.training.teacher import teacher_kind, teacher_of
from accord.training.texts import TaskTexts


class Letters:
    """An encoder whose vectors are counts of letters; queries point elsewhere than documents."""

    def __init__(self, similarity_name="cosine", dim=26):
        self.similarity_name, self.dim, self.asked = similarity_name, dim, []

    def encode_query(self, texts, *, prompt_name=None, progress=None):
        self.asked += list(texts)
        return np.array([[t.count(chr(97 + k)) + 0.1 for k in range(self.dim)] for t in texts], dtype=np.float32)

    def encode_document(self, texts, *, prompt_name=None, progress=None):
        return 2 + self.encode_query(texts)


class Overlap:
    """A scorer: how many letters two texts share."""

    def __init__(self):
        self.asked = []

    def score(self, left, right, *, progress=None):
        self.asked += list(zip(left, right))
        return np.array([len(set(a) & set(b)) for a, b in zip(left, right)], dtype=np.float32)


RANKED = Ranked(
    [
        {"query": "read file", "pos": ["file", "read"], "neg": ["tree", "code", "row"]},
        {"query": "write row", "pos": ["row"], "neg": ["file"]},
        {"query": "read file", "pos": ["file"], "neg": []},
    ]
)
FIELDS = ["teacher_scores", "teacher_list_scores", "teacher_embeddings", "teacher_pair_scores"]


@pytest.mark.parametrize("kind", ["cosine", "dot"])
def test_an_encoder_teaches_by_its_own_similarity_prompts_and_vectors(kind):
    model = Letters(kind)
    roles = roles_of(RANKED)
    fields = teacher_of(model, FIELDS, RANKED).fields(roles, torch.device("cpu"))
    queries = torch.from_numpy(Letters().encode_query(roles.texts[0]))
    docs = torch.from_numpy(Letters().encode_document(roles.documents))
    close = {"rtol": 2e-3, "atol": 2e-3}  # vectors are kept in float16
    torch.testing.assert_close(fields["teacher_scores"], similarity(queries, docs, kind=kind), **close)
    torch.testing.assert_close(fields["teacher_embeddings"], torch.stack([queries, docs[:3]]), **close)
    pairs = pairwise_similarity(queries, docs[:3], kind=kind)
    torch.testing.assert_close(fields["teacher_pair_scores"], pairs, **close)
    assert fields["teacher_list_scores"].shape == roles.lists.shape
    torch.testing.assert_close(fields["teacher_list_scores"][:, 0], pairs, **close)


def test_each_text_is_encoded_once_in_each_role_and_batches_ask_no_more():
    model = Letters()
    teacher = teacher_of(model, ["teacher_scores"], RANKED)
    queries, documents = {"read file", "write row"}, {"file", "read", "tree", "code", "row"}
    assert sorted(model.asked) == sorted([*queries, *documents])
    for epoch in range(3):
        teacher.fields(roles_of(RANKED, epoch), torch.device("cpu"))
    assert len(model.asked) == len(queries) + len(documents)
    assert teacher.vectors[True].dtype == np.float16


def test_rows_that_were_not_there_at_the_start_are_encoded_as_they_come():
    other = Ranked([{"query": "new", "pos": ["one"], "neg": ["two"]}])
    known, new = (teacher_of(Letters(), ["teacher_scores"], signal) for signal in (RANKED, other))
    here = torch.device("cpu")
    for name, value in new.fields(roles_of(other), here).items():
        torch.testing.assert_close(known.fields(roles_of(other), here)[name], value)


def test_a_vector_that_float16_cannot_hold_stays_in_float32():
    class Huge(Letters):
        def encode_query(self, texts, *, prompt_name=None, progress=None):
            return 1e6 + super().encode_query(texts)

    fields = teacher_of(Huge(), ["teacher_embeddings"], RANKED).fields(roles_of(RANKED), torch.device("cpu"))
    assert torch.isfinite(fields["teacher_embeddings"]).all()


def test_a_scorer_teaches_lists_and_pairs_and_is_asked_each_pair_once():
    model = Overlap()
    teacher = teacher_of(model, ["teacher_list_scores"], RANKED)
    for epoch in range(3):
        roles = roles_of(RANKED, epoch)
        found = teacher.fields(roles, torch.device("cpu"))["teacher_list_scores"]
        docs = roles.documents
        for i, row in enumerate(roles.lists):
            for k, j in enumerate(row):
                want = len(set(roles.texts[0][i]) & set(docs[j])) if j >= 0 else 0
                assert found[i, k] == want
    assert len(model.asked) == len(set(model.asked)) == 5 + 2
    scored = Scored([{"text1": "ab", "text2": "bc", "score": 1.0}])
    pair = teacher_of(model, ["teacher_pair_scores"], scored).fields(roles_of(scored), torch.device("cpu"))
    assert pair["teacher_pair_scores"].tolist() == [1.0]


def test_a_scorer_with_classes_and_something_else_altogether_are_refused():
    class Classes(Overlap):
        def score(self, left, right, *, progress=None):
            return np.zeros((len(left), 3), dtype=np.float32)

    with pytest.raises(InputError, match="3 scores a pair"):
        teacher_of(Classes(), ["teacher_list_scores"], RANKED)
    with pytest.raises(InputError, match="Got int"):
        teacher_kind(3)
    assert teacher_kind(None) is None


# ------------------------------------------------------------------------------------------------ in training


def settings(**changes):
    usual = {"steps": 6, "batch": 6, "optimizer": AdamW(lr=2e-3), "sampler": RoundRobin(), "precision": "float32"}
    return Settings(**{**usual, **changes})


def test_an_objective_without_its_teacher_is_refused_before_the_first_step(tiny, pairs):
    asked = {BatchKL(): "teacher_scores", InfoNCE(guide_margin=0.0): "teacher_scores"}
    for objective, field in asked.items():
        with pytest.raises(
            InputError, match=rf"Task `p`.*`{field.removeprefix('teacher_')}`.*no teacher here gives them"
        ):
            TaskTexts(TrainingTask(name="p", signal=pairs, objective=objective), tiny, batch=4, seed=0)
    plain = TrainingTask(name="p", signal=pairs, objective=InfoNCE(), teacher=Letters())
    with pytest.raises(InputError, match="reads nothing of it"):
        TaskTexts(plain, tiny, batch=4, seed=0)
    lists = TrainingTask(name="p", signal=pairs, objective=MarginMSE(), teacher=Letters())
    with pytest.raises(InputError, match="`list_scores`"):
        TaskTexts(lists, tiny, batch=4, seed=0)


@pytest.mark.slow
def test_a_student_comes_nearer_to_its_teacher(tiny, pairs):
    teacher = tiny_encoder(seed=7)
    texts = [*pairs.column("anchor"), *pairs.column("positive")]
    taught = torch.from_numpy(teacher.encode(texts))

    def distance():
        return 1 - pairwise_similarity(torch.from_numpy(tiny.encode(texts)), taught).mean().item()

    before = distance()
    task = TrainingTask(name="p", signal=pairs, objective=VectorDistillation(), teacher=teacher)
    train(tiny, [task], settings(steps=60, batch=16))
    assert distance() < 0.5 * before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "teacher"),
    [
        (InfoNCE(guide_margin=0.0), tiny_encoder(seed=7)),
        (BatchKL(temperature=0.1), Letters()),
        (ListKL(temperature=0.1), Overlap()),
        (MarginMSE(temperature=0.1), Letters()),
        (PairMSE(), Overlap()),
        (VectorDistillation(projection=[32, 26]), Letters()),
    ],
)
def test_every_kind_of_lesson_trains(tiny, objective, teacher):
    rows = [
        {"anchor": f"read {k}", "positive": f"open {k}", "negative": f"close {k}", "negative_2": f"send {k + 1}"}
        for k in range(12)
    ]
    losses = []
    task = TrainingTask(name="p", signal=Pairs(rows), objective=objective, teacher=teacher)
    train(tiny, [task], settings(steps=12, batch=12), on_step=lambda r: losses.append(r.loss))
    assert losses[-1] < losses[0]


@pytest.mark.slow
def test_weights_of_an_objective_are_trained_kept_in_checkpoints_and_start_anew_in_the_next_run(
    tiny_folder, labelled, tmp_path
):
    spec = {"pytorch_metric_learning.losses:ProxyAnchorLoss": {"num_classes": 5, "embedding_size": 32}}
    objective = MetricLearning(spec)
    task = TrainingTask(name="topic", signal=labelled, objective=objective)
    proxies = objective.function.proxies.clone()
    found = []
    for folder, steps in ((None, 8), (tmp_path, 8), (tmp_path, 8)):
        encoder = load(str(tiny_folder))
        losses = []
        plain = settings(steps=steps, batch=16, checkpoint_every=4)
        done = train(encoder, [task], plain, checkpoints=folder, resume=True, on_step=lambda r, k=losses: k.append(r))
        found.append((encoder.state_dict(), [r.loss for r in losses]))
    assert done.resumed_from == 4
    assert found[2][1] == found[0][1][4:]
    for name, weight in found[0][0].items():
        assert torch.equal(found[2][0][name], weight)
    assert torch.equal(objective.function.proxies, proxies)


def test_a_checkpoint_under_another_teacher_is_refused(tiny_folder, pairs, tmp_path):
    def run(teacher, resume):
        task = TrainingTask(name="p", signal=pairs, objective=BatchKL(), teacher=teacher)
        plain = settings(steps=6, checkpoint_every=2)
        return train(load(str(tiny_folder)), [task], plain, checkpoints=tmp_path, resume=resume)

    run(tiny_encoder(seed=7), resume=False)
    with pytest.raises(InputError, match="`teachers`"):
        run(tiny_encoder(seed=8), resume=True)
