import dataclasses
import math
import subprocess
import sys

import pytest

from accord.core.records import Results
from accord.reporting.summary import order_models, summarise


def test_columns_stand_in_the_promised_order(make):
    names = ["run:x", "merged", "joint", "own", "single:names", "balanced", "base", "single:code-search"]
    assert order_models(names, make.tasks) == [
        "base", "single:code-search", "single:names", "joint", "balanced", "merged", "own", "run:x",
    ]  # fmt: skip


def test_the_single_column_holds_the_model_of_the_rows_own_task(results, make):
    summary = summarise(results)
    assert list(summary.columns) == ["base", "single", "joint"]
    assert [row.task for row in summary.rows] == list(make.tasks)
    expected = {(s.task): s.score for s in results.scores if s.model == f"single:{s.task}" and s.primary}
    assert {row.task: row.cells["single"].score for row in summary.rows} == expected


def test_every_score_is_in_the_full_rows(results):
    summary = summarise(results)
    seen = {(row.task, row.metric, name): cell.score for row in summary.all_rows for name, cell in row.cells.items()}
    assert seen == {(s.task, s.metric, s.model): s.score for s in results.scores}


def test_seeds_are_pooled_to_the_mean_and_the_widest_interval(make):
    scores = [make.score("base", "names", 0.5, seed=0, half=0.1), make.score("base", "names", 0.6, seed=1, half=0.02)]
    cell = summarise(Results(scores=scores, seeds=(0, 1))).rows[0].cells["base"]
    assert (cell.score, cell.seeds) == (pytest.approx(0.55), 2)
    assert (cell.low, cell.high) == (pytest.approx(0.4), pytest.approx(0.62))


def test_a_seed_that_failed_leaves_the_others_standing(make):
    failed = dataclasses.replace(make.score("base", "names", 0.5), score=math.nan, ci=(math.nan, math.nan), seed=1)
    cell = summarise(Results(scores=[failed, make.score("base", "names", 0.5)])).rows[0].cells["base"]
    assert cell.score == 0.5 and math.isfinite(cell.low)


def test_only_the_test_part_is_reported(make):
    dev = dataclasses.replace(make.score("base", "names", 0.9), split="dev")
    assert summarise(Results(scores=[dev, make.score("base", "names", 0.5)])).rows[0].cells["base"].score == 0.5
    assert summarise(Results(scores=[dev])).split == "dev"


@pytest.mark.parametrize(
    ("effect", "p", "needed", "verdict", "words"),
    [
        (0.1, 0.001, 50, "better", "better"),
        (-0.1, 0.001, 50, "worse", "worse"),
        (0.01, 0.4, 4312, "same", "not distinguishable: about 4,300 examples would be needed (have 655)"),
        (-0.01, 0.4, 4312, "same", "not distinguishable: about 4,300 examples would be needed (have 655)"),
        (0.0, 1.0, None, "same", "not distinguishable: no difference seen (have 655 examples)"),
        (0.02, 0.06, 600, "same",
         "not distinguishable after the correction for several comparisons (have 655 examples)"),
        (math.nan, 0.5, None, "unmeasured", "not measured"),
        (0.1, math.nan, None, "unmeasured", "not measured"),
    ],
)  # fmt: skip
def test_verdicts(make, effect, p, needed, verdict, words):
    comparison = make.comparison("joint", "base", "names", effect, p=p, needed=needed)
    difference = summarise(Results(scores=[], comparisons=[comparison])).differences[0]
    assert (difference.verdict, difference.words) == (verdict, words)


def test_comparisons_are_grouped_joint_first(results, make):
    more = make.comparison("balanced", "base", "names", 0.1, p=0.01, needed=9)
    shuffled = [more, *reversed(results.comparisons)]
    summary = summarise(dataclasses.replace(results, comparisons=shuffled))
    pairs = list(dict.fromkeys(d.pair for d in summary.differences))
    assert pairs == ["joint \N{MINUS SIGN} base", "joint \N{MINUS SIGN} single", "balanced \N{MINUS SIGN} base"]
    assert [d.task for d in summary.differences[:3]] == list(make.tasks)


def test_no_leakage_check_is_not_the_same_as_no_leakage():
    assert summarise(Results(scores=[])).leakage is None
    assert summarise(Results(scores=[], details={"leakage": []})).leakage == []


def test_summaries_need_neither_torch_nor_plots():
    code = (
        "import sys, accord.reporting\n"
        "loaded = {'torch', 'altair', 'vl_convert', 'jinja2', 'pandas'} & set(sys.modules)\n"
        "sys.exit(str(loaded) if loaded else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
