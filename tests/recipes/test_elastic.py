"""A run of several sizes: each trained, judged as the model it is, compared with the whole, and refused when wrong."""

import pytest

from accord.compression.elastic import Matryoshka, Starbucks
from accord.compression.elastic.sizes import Shape
from accord.core.errors import RecipeError
from accord.core.types import View
from accord.evaluation import read_examples
from accord.recipes.elastic import check_sizes, cut_command, elastic_of, size_pairs
from accord.recipes.evaluate import measure
from accord.recipes.fit import fit
from accord.recipes.plan import plan
from accord.recipes.prepare import prepare
from accord.reporting import run_tables, summarise

SIZES = [[3, 32], [2, 16], [1, 8]]


def test_sizes_alone_are_trained_by_starbucks(job):
    spec = job.replace({"train.sizes": SIZES}).spec
    assert repr(elastic_of(spec)) == repr(Starbucks(SIZES))
    assert elastic_of(job.spec) is None
    named = job.replace({"train.sizes": [16, 8], "train.elastic": {"Matryoshka": {"per_step": 1}}}).spec
    assert repr(elastic_of(named)) == repr(Matryoshka([16, 8], per_step=1))
    within = job.replace({"train.elastic": {"Matryoshka": {"sizes": [16, 8]}}}).spec
    assert repr(elastic_of(within)) == repr(Matryoshka([16, 8]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train.sizes": [[2, 16], [3, 32]]}, r"train\.sizes: `sizes` must be ordered"),
        ({"train.sizes": [[2, 16], [2, 16]]}, r"train\.sizes: `sizes` holds \[2, 16\] twice"),
        ({"train.sizes": [[2, 0]]}, r"train\.sizes: The dimensions of a size must be at least 1"),
        ({"train.sizes": []}, r"train\.sizes"),
        ({"train.elastic": "Starbucks"}, "lacks the argument `sizes`"),
        ({"train.elastic": "Starbuck", "train.sizes": SIZES}, "Did you mean `Starbucks`"),
        ({"train.elastic": {"Starbucks": {"sizes": SIZES}}, "train.sizes": SIZES}, "stand twice"),
        ({"train.sizes": [[3, 32, 16]], "train.elastic": "Slimmable", "train.adapter": "LoRA"}, "does not go with"),
        ({"train.sizes": SIZES, "encoder.kind": "cross-encoder"}, "for models that make vectors"),
    ],
)
def test_what_a_recipe_cannot_mean_is_refused(job, changes, message):
    with pytest.raises(RecipeError, match=message):
        prepare(job.replace(changes))


def test_sizes_that_the_model_does_not_have_are_refused_before_training(job, tmp_path):
    larger = job.replace({"train.sizes": [[4, 32]]})
    with pytest.raises(RecipeError, match=r"train\.sizes: The size 4x32 is larger than the model, which has 3 layers"):
        fit(larger, out=tmp_path / "run")
    assert "larger than the model" in plan(larger).problems[0]
    assert not plan(job.replace({"train.sizes": SIZES})).problems
    with pytest.raises(RecipeError, match="A static model has no layers"):
        check_sizes(job.replace({"train.sizes": SIZES}).spec, Shape(0, 32))


def test_pairs_set_sizes_beside_the_whole_and_beside_their_like():
    rows = [{"name": f"{of} {size}", "of": of} for of in ("base", "joint") for size in ("2x16", "1x8")]
    models = ["base", "base 2x16", "base 1x8", "joint", "joint 2x16", "joint 1x8"]
    assert size_pairs("joint", rows, models) == [
        ("joint", "joint 2x16"),
        ("joint", "joint 1x8"),
        ("joint 2x16", "base 2x16"),
        ("joint 1x8", "base 1x8"),
    ]
    assert (
        cut_command({"layers": 2, "dim": 16, "width": 8}, "r") == "accord cut r --layers 2 --dim 16 --width 8 --out DIR"
    )


@pytest.mark.slow
def test_every_size_is_judged_as_the_model_that_is_cut(job, tmp_path):
    recipe = job.replace({"train.sizes": SIZES, "train.steps": 4, "evaluate.baselines": ["base"]})
    run = fit(recipe, out=tmp_path / "run")
    names = ["base", "base 2x16", "base 1x8", "joint", "joint 2x16", "joint 1x8"]
    assert summarise(run.results).models == names
    assert [row["name"] for row in run.results.details["sizes"]] == [n for n in names if " " in n]
    assert list(run.models) == ["joint"]
    cut = run.model.cut(View(2, 16))
    tasks = list(prepare(recipe).tasks.values())
    found = measure(cut, tasks, precision="float32")
    kept = {(s.model, s.task, s.metric): s.score for s in run.results.scores}
    for task, several in found.items():
        for one in several:
            assert kept["joint 2x16", task, one.metric] == pytest.approx(one.score)
    pairs = {(c.a, c.b) for c in run.results.comparisons}
    assert {("joint", "base"), ("joint", "joint 2x16"), ("joint 1x8", "base 1x8")} <= pairs
    assert ("joint", "base 1x8") not in pairs
    assert {o.model for o in read_examples(run.path / "examples" / "faq.parquet")} == set(names)
    assert any("accord cut run --layers 1 --dim 8" in note for note in run.results.details["notes"])
    assert run_tables(run.results)
    assert "joint 2x16" in run.report.read_text()
