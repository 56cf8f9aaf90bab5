"""Objects from specifications and back, and the errors of those who mistype."""

import pytest

import accord.objectives as objectives
from accord.core.errors import RecipeError
from accord.core.spec import build, to_spec
from accord.objectives import InfoNCE


def test_there_and_back():
    spec = {"InfoNCE": {"temperature": 0.1, "mask": ["text", "label"]}}
    made = build(spec, objectives, "tasks.a.objective")
    assert made.temperature == 0.1
    assert to_spec(made) == spec
    assert to_spec(InfoNCE()) == "InfoNCE"
    assert repr(made) == "InfoNCE(temperature=0.1, mask=('text', 'label'))"


def test_somebody_elses_class_by_module_and_name():
    made = build({"fractions:Fraction": {"numerator": 1, "denominator": 2}}, objectives, "x")
    assert float(made) == 0.5


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("InfoNEC", "unknown name `InfoNEC`. Did you mean `InfoNCE`"),
        ({"InfoNCE": {"temprature": 1}}, "Unknown key `temprature` in x.InfoNCE. Did you mean `temperature`"),
        ({"InfoNCE": {"temperature": -1}}, "x.InfoNCE: `temperature` must be positive"),
        ({"InfoNCE": 3}, "takes its arguments by name"),
        ({"InfoNCE": {}, "SupCon": {}}, "Got 2 keys"),
        ("no.such.module:Thing", "cannot be imported"),
    ],
)
def test_mistakes_are_named(spec, message):
    with pytest.raises(RecipeError) as caught:
        build(spec, objectives, "x")
    assert message in str(caught.value)
