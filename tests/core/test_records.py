"""Results go to JSON and back, also with numbers that JSON cannot hold."""

import math

import pytest

from accord.core.errors import DataError
from accord.core.records import Comparison, Results, Score

SCORE = Score(
    model="joint", task="faq", metric="nDCG@10", primary=True, split="test", seed=0, score=0.5, ci=(0.4, 0.6), n=10
)
COMPARISON = Comparison(
    a="joint", b="base", task="faq", metric="nDCG@10", effect=0.1, ci=(-0.1, math.nan), p=0.3, distinguishable=False,
    n=10, n_needed=None,
)  # fmt: skip


def test_there_and_back(tmp_path):
    results = Results(scores=(SCORE,), comparisons=(COMPARISON,), seeds=(0, 1), details={"level": 0.95})
    results.save(tmp_path / "results.json")
    loaded = Results.load(tmp_path / "results.json")
    assert loaded.scores == (SCORE,)
    assert loaded.comparisons[0].ci[0] == -0.1
    assert math.isnan(loaded.comparisons[0].ci[1])
    assert loaded.details == {"level": 0.95}


@pytest.mark.parametrize(
    ("text", "reason"), [("{", "not valid JSON"), ("[]", "format"), ('{"format": "x/9"}', "format")]
)
def test_other_files_are_refused(tmp_path, text, reason):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(DataError, match=reason):
        Results.load(tmp_path / "r.json")


def test_a_missing_file_says_what_it_means(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        Results.load(tmp_path / "none.json")
