"""A teacher in a recipe: refused in words where it does not fit, loaded once, and what it has encoded is remembered."""

import re

import pytest
from tiny_models import tiny_encoder_folder

from accord.core.errors import InputError
from accord.recipes.fit import fit
from accord.recipes.plan import plan
from accord.recipes.teachers import Teachers, kind_of_teacher


@pytest.fixture(scope="session")
def teacher_folder(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("teacher") / "model", seed=9, hidden=64)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"objective": "BatchKL"}, "tasks.faq: objective.*a teacher's `scores`.*no teacher here.*`teacher: MODEL`"),
        ({"objective": {"InfoNCE": {"guide_margin": 0.0}}}, "a teacher's `scores`"),
        ({"teacher": "TEACHER"}, "reads nothing of it"),
        ({"objective": "BatchKL", "teacher": "no/such/folder"}, "tasks.faq: teacher: .*no/such/folder"),
        ({"objective": "ListKL", "teacher": "TEACHER"}, "`list_scores`"),
    ],
)
def test_plan_says_what_a_teacher_cannot_do(job, teacher_folder, change, said):
    value = {f"tasks.faq.{k}": str(teacher_folder) if v == "TEACHER" else v for k, v in change.items()}
    (problem,) = plan(job.replace(value)).problems
    assert re.search(said, problem), problem


@pytest.mark.slow
def test_a_run_with_a_teacher(job, teacher_folder, tmp_path):
    """Joint and alone: the teacher has other dimensions, and both runs learn from it."""
    changes = {"tasks.faq.objective": "BatchKL", "tasks.faq.teacher": str(teacher_folder), "train.steps": 4}
    run = fit(job.replace(changes), out=tmp_path / "run")
    assert {row.model for row in run.results.scores} == {"base", "joint", "single:faq", "single:topic"}


def test_a_teacher_is_loaded_once_and_remembers(teacher_folder, monkeypatch):
    teachers = Teachers()
    teacher = teachers.of(str(teacher_folder))
    assert teachers.of(str(teacher_folder)) is teacher
    assert teachers.of(None) is None
    first = teacher.encode_query(["read a file"])
    monkeypatch.setattr(teacher.model, "encode_query", None)  # from here on it can only remember
    assert (teacher.encode_query(["read a file"]) == first).all()
    assert kind_of_teacher(str(teacher_folder)) == "encoder"
    assert kind_of_teacher(None) is None
    with pytest.raises(InputError, match="teacher: "):
        kind_of_teacher("no/such/folder")
