"""Methods are found by name, by what others call them, by paper and by room."""

import pytest

from accord.core.errors import InputError
from accord.recipes.where import where


@pytest.mark.parametrize(
    ("asked", "file"),
    [
        ("InfoNCE", "objectives/contrastive/info_nce.py"),
        ("info-nce", "objectives/contrastive/info_nce.py"),
        ("MultipleNegativesRankingLoss", "objectives/contrastive/info_nce.py"),
        ("arXiv:2004.11362", "objectives/contrastive/sup_con.py"),
        ("gradient caching", "training/memory/chunked.py"),
    ],
)
def test_found(asked, file):
    assert where(asked)[0].file == file


def test_a_room_lists_its_methods():
    assert {"InfoNCE", "SupCon"} <= {place.name for place in where("objectives")}


def test_nothing_found_suggests():
    with pytest.raises(InputError, match="Did you mean `InfoNCE`"):
        where("InfoNCEE")
    with pytest.raises(InputError, match="Nothing is called"):
        where("")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ICT", "InverseCloze"),
        ("NLI", "Classification"),
        ("mine_hard_negatives", "NegativeRules"),
        ("RerankingEvaluator", "Reranking"),
        ("CachedMultipleNegativesRankingLoss", None),
        ("Contriever", "RandomCrops"),
    ],
)
def test_names_from_elsewhere_come_first_where_they_are_whole_words(name, found):
    (first, *_) = where(name)
    assert found in {None, first.name}
