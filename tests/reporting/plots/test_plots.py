"""The drawings hold what the rows say: read back from the SVG."""

import dataclasses
import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from accord.reporting import plots
from accord.reporting.steps import Curve, curves, main_run, shares
from accord.reporting.summary import summarise


def texts(panel):
    return [e.text for e in ET.fromstring(panel.svg).iter("text")]


def places(panel, colour):
    """Horizontal places of filled shapes in one colour, in order of drawing."""
    found = [e for e in ET.fromstring(panel.svg).iter("path") if e.get("fill", "").startswith(f"var(--{colour},")]
    return [float(re.match(r"translate\(([-\d.]+)", e.get("transform"))[1]) for e in found]


def test_a_better_score_stands_further_right(results):
    summary = summarise(results)
    panels = plots.intervals(summary.rows, summary.columns, level=0.95)
    assert [p.title for p in panels] == ["code-search", "topic", "names"]
    base, single, joint = (places(panels[1], c)[0] for c in ("grey", "ochre", "blue"))
    assert base < joint < single
    assert {"base", "single", "joint", "accuracy"} <= set(texts(panels[1]))
    assert "joint 0.704 [0.677, 0.731]" in panels[1].alt


def test_models_without_a_number_are_left_out_of_the_panel(results):
    scores = [dataclasses.replace(s, score=math.nan) if s.model == "joint" else s for s in results.scores]
    summary = summarise(dataclasses.replace(results, scores=scores))
    panels = plots.intervals(summary.rows, summary.columns, level=0.95)
    assert "joint" not in texts(panels[0]) and places(panels[0], "blue") == []


def test_differences_share_one_scale_and_show_zero(results):
    panels = plots.differences(summarise(results).differences)
    assert [p.title for p in panels] == ["joint \N{MINUS SIGN} base", "joint \N{MINUS SIGN} single"]
    ticks = [[t for t in texts(p) if re.fullmatch("0|[+\N{MINUS SIGN}][0-9.]+", t)] for p in panels]
    assert ticks[0] == ticks[1] and "0" in ticks[0]
    assert len(places(panels[0], "teal")) == 3
    assert len(places(panels[1], "rose")) == 1
    assert "not distinguishable: about 4,300" in panels[1].alt


def test_no_differences_no_panels():
    assert plots.differences([]) == []


def test_a_panel_a_task_with_a_line_a_run(steps, make):
    panels = plots.losses(curves(steps, make.tasks))
    assert [p.title for p in panels] == list(make.tasks)
    lines = [e for e in ET.fromstring(panels[0].svg).iter("path") if e.get("stroke", "none").startswith("var(")]
    assert len(lines) == 2
    assert [bool(e.get("stroke-dasharray", "1,0") != "1,0") for e in lines] == [True, False]


def test_long_logs_stay_small():
    values = np.linspace(3.0, 1.0, 50_000)
    curve = Curve("task", "joint", np.arange(1, 50_001), values, values, 1)
    assert len(plots.losses([curve])[0].svg) < 120_000


def test_a_log_without_numbers_draws_nothing():
    nothing = np.full(3, math.nan)
    assert plots.losses([Curve("task", "joint", np.arange(1, 4), nothing, nothing, 1)]) == []


def test_bars_are_as_long_as_their_values(results, steps):
    summary = summarise(results)
    (timings,) = plots.timings(summary.timings)
    assert {"evaluate single:code-search", "2 min 12 s"} <= set(texts(timings))
    tokens, examples = plots.sizes(summary.sizes, steps)
    assert "base" not in texts(tokens)
    assert "536.0 k" in texts(tokens) and "6.4 k" in texts(examples)


def test_long_names_stand_above_their_bars():
    (panel,) = plots.timings([{"stage": "evaluate single:code-search", "seconds": 2.0}, {"stage": "b", "seconds": 1.0}])
    named = [e for e in ET.fromstring(panel.svg).iter("text") if e.text in {"evaluate single:code-search", "b"}]
    assert {e.get("transform").partition(",")[0] for e in named} == {"translate(0"}


def test_shares_are_per_cent_of_the_run(steps, make):
    panels = plots.task_share(shares(steps, main_run(steps), make.tasks))
    assert [p.title for p in panels] == ["Steps", "Examples", "Tokens"]
    for panel in panels:
        percents = [int(t[:-2]) for t in texts(panel) if t.endswith(" %")]
        assert len(percents) == 3 and sum(percents) == pytest.approx(100, abs=1)


def test_one_task_has_nothing_to_share(steps):
    assert plots.task_share(shares(steps, "single:topic")) == []
