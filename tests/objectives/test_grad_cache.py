"""Every objective of the catalogue, in chunks that are encoded twice, has the gradients of one pass over the batch."""

import numpy as np
import pytest
import torch
from torch import nn

import accord.objectives
from accord.core.errors import InputError
from accord.core.spec import catalogue
from accord.data import Labelled, Pairs, Ranked, Scored
from accord.objectives.base import TEACHER, contract
from accord.training.fields import Roles, check_fit, list_positives, reads_features, roles_of, signal_fields
from accord.training.memory.chunked import full_graph, grad_cache

DIM, CLASSES = 8, 3
PROXIES = {"pytorch_metric_learning.losses:ProxyAnchorLoss": {"num_classes": CLASSES, "embedding_size": DIM}}
ARGUMENTS = {
    "FixedTargets": [{"targets": np.random.default_rng(0).standard_normal((CLASSES, DIM)).astype(np.float32)}],
    "InfoNCE": [{"bidirectional": True}, {"guide_margin": 0.3, "hardness": 2.0}],
    "LambdaLoss": [{"weights": name} for name in ("ndcg_loss1", "ndcg_loss2++")],
    "ListMLE": [{"position_aware": True}],
    "MetricLearning": [{"loss": PROXIES}, {"loss": "pytorch_metric_learning.losses:NTXentLoss"}],
    "VectorDistillation": [{}, {"projection": [DIM, DIM]}],
}
"""Arguments to try each objective with; its defaults where it is not listed."""

CASES = [
    pytest.param(kind, arguments, id=f"{name}{number}")
    for name, kind in sorted(catalogue(accord.objectives).items())
    if not reads_features(contract(kind))  # tests/training/test_features.py: they are fed by tokens
    for number, arguments in enumerate(ARGUMENTS.get(name, [{}]))
]

WORDS = ["read", "write", "open", "close", "send", "load"]
SIGNALS = [
    Pairs([{"anchor": w, "positive": f"{w} it", "negative": f"{w} no", "negative_2": f"not {w}"} for w in WORDS]),
    Ranked([{"query": w, "pos": [f"{w} it", f"{w} so"], "neg": [f"{w} no"] * (k % 3)} for k, w in enumerate(WORDS)]),
    Labelled([{"text": w, "label": str(k % CLASSES)} for k, w in enumerate(WORDS)]),
    Scored([{"text1": w, "text2": f"{w} it", "score": k % 2} for k, w in enumerate(WORDS)]),
]


def roles_for(asked) -> Roles:
    """A batch of the first signal that can feed the objective, with classes as numbers."""
    if "logits" in asked.names:
        labels = np.arange(len(WORDS)) % DIM
        bags = asked.shapes.get("labels") == "n vocabulary"
        return Roles([WORDS], labels=np.eye(DIM)[labels] + np.eye(DIM)[0] if bags else labels)
    for signal in SIGNALS:
        try:
            check_fit(asked, type(signal), where="here", columns=tuple(signal.names), teacher="encoder")
        except InputError as error:
            if "there is a teacher" not in str(error):
                continue
        roles = roles_of(signal, positives=list_positives(asked))
        if isinstance(signal, Labelled):
            return Roles(roles.texts, labels=np.asarray(roles.labels).astype(np.int64))
        return roles
    raise AssertionError("no signal feeds this objective")


def fields_of(asked, roles, rows, teacher):
    """What the objective asks for, of the model's rows and of the teacher's."""
    if "logits" in asked.names:
        return {"logits": rows, "labels": torch.from_numpy(roles.labels)}
    sizes = [len(texts) for texts in roles.texts]
    own = [name for name in asked.names if not name.startswith(TEACHER)]
    found = signal_fields(roles, rows.split(sizes), own, mask=("text",))
    taught = signal_fields(roles, teacher.split(sizes), [name.removeprefix(TEACHER) for name in asked.taught])
    return found | {TEACHER + name: value for name, value in taught.items()}


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize(("kind", "arguments"), CASES)
def test_chunks_encoded_twice_have_the_gradients_of_the_full_batch(kind, arguments, dropout):
    objective = kind(**arguments).double()
    asked = contract(objective)
    roles = roles_for(asked)
    count = sum(len(texts) for texts in roles.texts)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, DIM)).double()
    inputs, teacher = torch.randn(count, 6, dtype=torch.float64), torch.randn(count, DIM, dtype=torch.float64)
    chunks = inputs.split([count // 2, 1, count - count // 2 - 1])

    def forward(number):
        torch.manual_seed(100 + number)
        return model(chunks[number])

    def loss(outputs):
        return objective(**fields_of(asked, roles, torch.cat(list(outputs)), teacher))

    def plain(forward, number, loss):
        value = loss([forward(k) for k in range(number)])
        value.backward()
        return value.detach()

    found = {}
    for method in (plain, full_graph, grad_cache):
        both = nn.ModuleList([model, objective])
        both.zero_grad(set_to_none=True)
        value = method(forward, len(chunks), loss)
        assert torch.isfinite(value)
        found[method] = value, {name: p.grad for name, p in both.named_parameters()}
    value, gradients = found[plain]
    assert any(gradient.abs().sum() > 0 for gradient in gradients.values())
    for method in (full_graph, grad_cache):
        torch.testing.assert_close(found[method][0], value, rtol=0, atol=1e-6)
        for name, gradient in found[method][1].items():
            torch.testing.assert_close(gradient, gradients[name], rtol=0, atol=1e-6)
