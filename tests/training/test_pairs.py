"""Cross-encoders in the one loop: every signal, the gradient of the whole batch, teachers, resuming, bad input."""

import json

import numpy as np
import pytest
import torch
from tiny_models import tiny_encoder_folder
from tiny_pairs import tiny_cross_encoder

from accord.core.errors import InputError
from accord.core.interrupts import Interrupted
from accord.data import Labelled, Pairs, Ranked, Scored
from accord.data.streams import stream
from accord.encoders import load
from accord.objectives import (
    BinaryCrossEntropy,
    CoSENT,
    CrossEntropy,
    InfoNCE,
    LambdaLoss,
    ListKL,
    MarginMSE,
    PairMSE,
    SupCon,
)
from accord.training import AdamW, Settings, TrainingTask, train
from accord.training.memory.chunked import full_graph, grad_cache
from accord.training.pairs import TaskPairs

A = ("read", "write", "open", "close", "list", "file", "row", "name", "code", "text")
B = ("send", "load", "parse", "join")
ROWS = [(a, b) for a in A for b in B]


def pairs(**columns):
    return Pairs.of(
        [
            {"anchor": f"{a} {b}", "positive": f"{b} the {a}", **{n: f(a, b) for n, f in columns.items()}}
            for a, b in ROWS
        ]
    )


def ranked(**columns):
    rows = [
        {
            "query": f"{a} {b}",
            "pos": [f"{b} the {a}", f"{b} a {a}"],
            "neg": [f"{a} {A[(i + j) % 9]} of" for j in range(i % 4)],
            **{name: make(i) for name, make in columns.items()},
        }
        for i, (a, b) in enumerate(ROWS)
    ]
    return Ranked.of(rows)


def scored(classes):
    return Scored.of(
        [
            {"text1": f"{a} {b}", "text2": f"{b} the {A[i % 10]}", "score": float(i % classes)}
            for i, (a, b) in enumerate(ROWS)
        ]
    )


def entailed():
    names = ("no", "perhaps", "yes")
    return Labelled.of(
        [{"text": f"{a} {b}", "text2": f"{b} the {A[i % 10]}", "label": names[i % 3]} for i, (a, b) in enumerate(ROWS)]
    )


def task(signal, objective, **options):
    return TrainingTask(name="t", signal=signal, objective=objective, **options)


def fields(task, model=None, *, index=0, **options):
    data = TaskPairs(task, model or tiny_cross_encoder(dropout=0.0), batch=options.pop("batch", 8), seed=0)
    batch = data.batch(index, options.pop("chunk_tokens", 60))
    with torch.no_grad():
        return batch, data.fields(batch, torch.cat([data.forward(chunk) for chunk in batch.chunks]))


@pytest.mark.parametrize(
    ("signal", "objective", "labels"),
    [
        (pairs(), BinaryCrossEntropy(), 1),
        (pairs(), InfoNCE(temperature=1.0), 1),
        (pairs(negative=lambda a, b: f"{a} of"), LambdaLoss(), 1),
        (ranked(), BinaryCrossEntropy(), 1),
        (ranked(), InfoNCE(temperature=1.0), 1),
        (scored(2), BinaryCrossEntropy(), 1),
        (scored(3), CoSENT(), 1),
        (scored(3), CrossEntropy(), 3),
        (entailed(), CrossEntropy(), 3),
    ],
    ids=["pairs-bce", "pairs-nce", "negatives-lambda", "lists-bce", "lists-nce", "bce", "cosent", "classes", "names"],
)
def test_every_signal_can_be_learnt(signal, objective, labels):
    losses = []
    settings = Settings(steps=12, batch=16, chunk_tokens=200, optimizer=AdamW(lr=3e-3), precision="float32")
    model = tiny_cross_encoder(labels=labels, dropout=0.0)
    train(model, [task(signal, objective)], settings, on_step=lambda step: losses.append(step.loss))
    assert np.mean(losses[-3:]) < 0.9 * np.mean(losses[:2])


def test_lists_hold_the_positive_the_own_negatives_and_others_drawn_anew():
    one = task(pairs(negative=lambda a, b: f"{a} of"), LambdaLoss(), random_negatives=3)
    batch, found = fields(one)
    lists, documents = batch.lists.roles.lists, batch.lists.roles.documents
    assert found["list_scores"].shape == found["labels"].shape == lists.shape == (8, 5)
    np.testing.assert_array_equal(lists[:, 0], np.arange(8))
    np.testing.assert_array_equal(found["labels"], np.repeat([[1, 0, 0, 0, 0]], 8, axis=0))
    for query, row in zip(batch.lists.roles.texts[0], lists):
        texts = [documents[j] for j in row if j >= 0]
        assert len(set(texts)) == len(texts)
        assert texts[1] == f"{query.split()[0]} of"
    again, _ = fields(one)
    np.testing.assert_array_equal(again.lists.roles.lists, lists)
    other, _ = fields(one, index=5)
    assert not np.array_equal(other.lists.roles.lists[:, 2:], lists[:, 2:])


def test_scores_stand_where_their_pair_was_scored_and_all_else_is_ignored():
    one = task(ranked(), InfoNCE(temperature=1.0), random_negatives=2)
    model = tiny_cross_encoder(dropout=0.0)
    batch, found = fields(one, model)
    queries, documents = batch.lists.roles.texts[0], batch.lists.roles.documents
    raw = model.score(
        [q for q in queries for _ in documents], documents * len(queries), activation=torch.nn.Identity()
    ).reshape(len(queries), -1)
    known = ~found["ignore"].numpy()
    assert known.diagonal().all()
    np.testing.assert_allclose(found["scores"].numpy()[known], raw[known], atol=1e-5)
    assert known.sum() == len(batch.gather)


def test_what_is_right_for_a_query_is_never_a_negative_of_it():
    rows = [
        {"anchor": "read a file", "positive": "one"},
        {"anchor": "read a file", "positive": "two"},
        {"anchor": "write a row", "positive": "three"},
    ]
    one = task(Pairs.of(rows), BinaryCrossEntropy(), random_negatives=9)
    batch, found = fields(one, batch=3)
    queries, documents = batch.lists.sides
    wrong = {(q, d) for q, d, y in zip(queries, documents, found["labels"].tolist()) if not y}
    assert wrong == {("read a file", "three"), ("write a row", "one"), ("write a row", "two")}


@pytest.mark.parametrize("method", [full_graph, grad_cache])
def test_chunks_give_the_gradient_of_the_whole_batch(method):
    one = task(ranked(), LambdaLoss())
    gradients = []
    for chunk_tokens in (10**6, 40):
        model = tiny_cross_encoder(dropout=0.0).train()
        data = TaskPairs(one, model, batch=12, seed=0)
        batch = data.batch(2, chunk_tokens)
        assert (len(batch.chunks) > 3) == (chunk_tokens == 40)

        def loss(outputs, data=data, batch=batch):
            rows = outputs if isinstance(outputs, torch.Tensor) else torch.cat(list(outputs))
            return one.objective(**data.fields(batch, rows))

        method(lambda k, data=data, batch=batch: data.forward(batch.chunks[k]), len(batch.chunks), loss)
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)


def test_scores_in_the_rows_teach_without_further_documents():
    taught = ranked(pos_scores=lambda i: [5.0, 4.0], neg_scores=lambda i: [float(j) for j in range(i % 4)])
    batch, found = fields(task(taught, MarginMSE()))
    assert found["teacher_list_scores"].shape == found["list_scores"].shape == batch.lists.roles.lists.shape
    assert set(found["teacher_list_scores"][:, 0].tolist()) <= {5.0, 4.0}
    np.testing.assert_array_equal(found["ignore"], batch.lists.roles.lists < 0)
    train(tiny_cross_encoder(), [task(taught, ListKL(temperature=1.0))], Settings(steps=2, batch=8))


def test_a_cross_encoder_and_an_encoder_may_teach(tmp_path):
    teacher = tiny_cross_encoder(seed=7)
    batch, found = fields(task(ranked(), ListKL(temperature=1.0), teacher=teacher, random_negatives=2))
    rows, places = batch.lists.places
    np.testing.assert_allclose(
        found["teacher_list_scores"].numpy()[rows, places], teacher.score(*batch.lists.sides), atol=1e-5
    )
    batch, found = fields(task(pairs(), PairMSE(), teacher=teacher))
    np.testing.assert_allclose(found["teacher_pair_scores"], teacher.score(*batch.lists.sides), atol=1e-5)
    encoder = load(tiny_encoder_folder(tmp_path / "m"), device="cpu")
    batch, found = fields(task(scored(3), PairMSE(), teacher=encoder))
    left, right = (encoder.encode(list(side)) for side in batch.lists.sides)
    np.testing.assert_allclose(found["teacher_pair_scores"], (left * right).sum(1), atol=5e-3)  # held in float16


def test_labels_go_by_name():
    one = task(entailed(), CrossEntropy())
    model = tiny_cross_encoder(labels=3, dropout=0.0)
    model.backbone.config.id2label = {0: "yes", 1: "no", 2: "perhaps"}
    batch, found = fields(one, model)
    numbers = {(r["text"], r["text2"]): r["label"] for r in one.signal.table.to_pylist()}
    wanted = [["yes", "no", "perhaps"].index(numbers[pair]) for pair in zip(*batch.lists.sides)]
    assert found["labels"].tolist() == wanted


def test_a_batch_without_one_of_the_classes_is_no_trouble():
    one = task(entailed(), CrossEntropy())
    batch, found = fields(one, tiny_cross_encoder(labels=3, dropout=0.0), batch=2)
    numbers = {(r["text"], r["text2"]): r["label"] for r in one.signal.table.to_pylist()}
    wanted = [["no", "perhaps", "yes"].index(numbers[pair]) for pair in zip(*batch.lists.sides)]
    assert found["labels"].tolist() == wanted


@pytest.mark.slow
def test_a_run_that_was_stopped_ends_with_the_same_bits(tmp_path):
    settings = Settings(steps=6, batch=8, chunk_tokens=100, checkpoint_every=2)
    whole, halved = tiny_cross_encoder(), tiny_cross_encoder()
    train(whole, [task(ranked(), BinaryCrossEntropy())], settings)

    def stop(step):
        if step.step == 3:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        train(halved, [task(ranked(), BinaryCrossEntropy())], settings, checkpoints=tmp_path, on_step=stop)
    again = tiny_cross_encoder()
    result = train(again, [task(ranked(), BinaryCrossEntropy())], settings, checkpoints=tmp_path, resume=True)
    assert result.resumed_from == 3
    assert again.fingerprint() == whole.fingerprint()


def test_own_pairs_that_are_cut_are_counted():
    rows = [{"anchor": "read " * n, "positive": f"file {n}"} for n in (3, 80, 90)]
    data = TaskPairs(task(Pairs.of(rows), BinaryCrossEntropy()), tiny_cross_encoder(), batch=3, seed=0)
    assert data.truncated == 2


@pytest.mark.parametrize(
    ("signal", "objective", "labels", "options", "words"),
    [
        (pairs(), BinaryCrossEntropy(), 3, {}, "reads 1 score a pair; the model has 3 labels"),
        (entailed(), CrossEntropy(), 1, {}, "needs 2 labels or more; the model has 1"),
        (entailed(), CrossEntropy(), 2, {}, r"3 classes \(no, perhaps, yes\), the model has 2 labels"),
        (scored(4), CrossEntropy(), 3, {}, "4 classes .* the model has 3 labels"),
        (entailed(), BinaryCrossEntropy(), 1, {}, "provides only logits, labels"),
        (pairs(), SupCon(), 1, {}, r"`scores` as \(n, n\)"),
        (pairs(), BinaryCrossEntropy(), 1, {"random_negatives": 0}, "without negatives"),
        (pairs(), BinaryCrossEntropy(), 1, {"query_prompt": "query: "}, "takes no prompts"),
        (pairs(), BinaryCrossEntropy(), 1, {"teacher": tiny_cross_encoder()}, "reads nothing of it"),
        (ranked(), MarginMSE(), 1, {}, "no teacher here gives them"),
        (Labelled.of({"text": ["a", "b"], "label": ["c", "d"]}), CrossEntropy(), 2, {}, "has one a row"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_step(signal, objective, labels, options, words):
    with pytest.raises(InputError, match=words):
        TaskPairs(task(signal, objective, **options), tiny_cross_encoder(labels=labels), batch=8, seed=0)


def test_two_texts_with_a_class_are_not_for_encoders(tmp_path):
    encoder = load(tiny_encoder_folder(tmp_path / "m"), device="cpu")
    with pytest.raises(InputError, match="classes of two texts together"):
        train(encoder, [task(entailed(), SupCon())], Settings(steps=1, batch=8))


def test_rows_that_stay_on_the_disk_give_the_same_fields(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "".join(json.dumps(row) + "\n" for row in ranked().table.select(["query", "pos", "neg"]).to_pylist())
    )
    model = tiny_cross_encoder(dropout=0.0)
    signal = stream(path, cache=tmp_path / "cache")
    batch, found = fields(task(signal, LambdaLoss()), model)
    rows = {(row["query"], document) for row in ranked().table.to_pylist() for document in row["pos"]}
    right = {pair for pair, y in zip(zip(*batch.lists.sides), found["labels"][batch.lists.places].tolist()) if y}
    assert right <= rows
    scores = model.score(*batch.lists.sides, activation=torch.nn.Identity())
    np.testing.assert_allclose(found["list_scores"].numpy()[batch.lists.places], scores, atol=1e-5)
