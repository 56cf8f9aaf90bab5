import numpy as np
import pytest

from accord.core.errors import InputError
from accord.data.signals import Labelled, Pairs, Scored
from accord.evaluation.family import scores_only
from accord.evaluation.tasks import Bitext, Classification, Clustering, Retrieval, Similarity

PAIRS = Pairs({"anchor": ["rot", "blau", "gelb"], "positive": ["red", "blue", "yellow"], "entity": ["a", None, "a"]})


class Roles:
    """Vectors that depend on the role alone say which role was asked for."""

    def __init__(self):
        self.asked = []

    def _rows(self, role, texts):
        self.asked.append(role)
        return np.random.default_rng(0).normal(size=(len(texts), 4)).astype(np.float32)

    def encode(self, texts, *, prompt_name=None, progress=None):
        return self._rows("none", texts)

    def encode_query(self, texts, *, prompt_name=None, progress=None):
        return self._rows("query", texts)

    def encode_document(self, texts, *, prompt_name=None, progress=None):
        return self._rows("document", texts)


LABELLED = Labelled({"text": list("abcdef"), "label": list("xyxyxy")})
SCORED = Scored({"text1": list("abc"), "text2": list("def"), "score": [0.0, 1.0, 2.0]})


@pytest.mark.parametrize(
    ("kind", "rows", "extra", "ours", "mtebs"),
    [
        (Retrieval, PAIRS, {}, {"query", "document"}, {"query", "document"}),
        (Bitext, PAIRS, {}, {"query"}, {"none"}),
        (Similarity, SCORED, {}, {"query"}, {"none"}),
        (Classification, LABELLED, {}, {"query"}, {"none"}),
        (Clustering, LABELLED, {"sample": 1, "draw": 6}, {"query"}, {"none"}),
    ],
)
def test_roles_of_both_protocols(kind, rows, extra, ours, mtebs):
    for against, roles in ((None, ours), ("mteb", mtebs)):
        model = Roles()
        kind(against=against, **extra).evaluate(model, train=rows, test=rows)
        assert set(model.asked) == roles


def test_groups_are_named_by_a_column_and_lone_rows_stand_alone(toy):
    accuracy, _ = Bitext(group="entity").evaluate(toy, test=PAIRS)
    assert len(set(accuracy.groups)) == 2
    assert accuracy.groups[0] == accuracy.groups[2]


def test_only_some_tasks_take_a_scorer(scorer):
    assert scores_only(scorer)
    with pytest.raises(InputError, match=r"Retrieval judges vectors; .* only scores pairs"):
        Retrieval().evaluate(scorer, test=PAIRS)
    with pytest.raises(InputError, match=r"Similarity needs a model with `encode_query`.*Got object\.$"):
        Similarity().evaluate(object(), test=SCORED)
    assert Similarity().evaluate(scorer, test=SCORED)[0].metric == "spearman"


def test_mteb_follows_the_models_similarity_or_says_that_it_cannot(toy):
    toy.similarity_name = "euclidean"
    with pytest.raises(InputError, match="made for 'euclidean'"):
        Bitext(against="mteb").evaluate(toy, test=PAIRS)
