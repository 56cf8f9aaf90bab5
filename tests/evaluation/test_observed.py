import numpy as np
import pyarrow as pa
import pytest

from accord.core.errors import DataError, InputError
from accord.evaluation.measured import of_columns, of_values
from accord.evaluation.metrics import VMeasure
from accord.evaluation.observed import Observed, from_rows, read_examples, to_rows, write_examples


@pytest.fixture
def observed():
    found = []
    for model, seed, ids in (("base", 0, "abc"), ("joint", 0, "abc"), ("joint", 1, "cab")):
        values = of_values("accuracy", list(ids), np.array([1.0, 0.0, seed]), primary=True)
        columns = {"truth": np.array([0, 0, 1]), "cluster": np.array([1, 0, seed])}
        clusters = of_columns(VMeasure(), list(ids), columns, primary=False)
        found += [Observed(model=model, task="topic", seed=seed, measured=m) for m in (values, clusters)]
    return found


def test_rows_are_as_the_run_folder_has_them(observed):
    table = to_rows(observed)
    assert table.column_names == ["model", "seed", "metric", "example_id", "value"]
    assert table.num_rows == 3 * 3 * 3
    assert sorted(set(table.column("metric").to_pylist())) == ["accuracy", "v_measure:cluster", "v_measure:truth"]


def test_what_is_written_comes_back(observed, tmp_path):
    write_examples(tmp_path / "topic.parquet", observed)
    back = read_examples(tmp_path / "topic.parquet")
    assert len(back) == len(observed)
    for was, now in zip(observed, back):
        assert (now.model, now.task, now.seed) == (was.model, was.task, was.seed)
        assert (now.measured.metric, now.measured.primary) == (was.measured.metric, was.measured.primary)
        assert now.measured.ids == was.measured.ids
        assert now.measured.score == was.measured.score
        assert now.measured.is_mean == was.measured.is_mean


def test_rows_without_metadata_and_in_any_order_can_be_read(observed):
    table = to_rows(observed).replace_schema_metadata(None)
    mixed = table.take(pa.array(np.random.default_rng(0).permutation(table.num_rows)))
    back = {
        (o.model, o.seed): o.measured
        for o in from_rows(mixed.filter(pa.compute.equal(mixed["metric"], "accuracy")), "t")
    }
    assert back["joint", 1].score == pytest.approx(2 / 3)
    assert not back["joint", 1].primary


def test_two_tasks_do_not_share_a_file(observed):
    other = Observed(model="base", task="names", seed=0, measured=observed[0].measured)
    with pytest.raises(InputError, match="holds one task"):
        to_rows([*observed, other])


def test_bad_files_are_refused(tmp_path):
    (tmp_path / "bad.parquet").write_text("nothing")
    for name in ("bad.parquet", "absent.parquet"):
        with pytest.raises(DataError, match="cannot be read as Parquet"):
            read_examples(tmp_path / name)
    with pytest.raises(DataError, match="Missing: seed"):
        from_rows(pa.table({"model": ["a"], "metric": ["m"], "example_id": ["1"], "value": [1.0]}), "t")
