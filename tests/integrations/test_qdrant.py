"""A store moves to Qdrant: over HTTP to its own engine, Qdrant Edge; there is no server binary to test against."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("qdrant_client")
pytest.importorskip("qdrant_edge")

from integrations.qdrant_server import Engine, serving

from accord.core.errors import InputError, StorageError
from accord.integrations.qdrant import HASH, _same, export_qdrant, payload_of, point_id
from accord.retrieval import Store

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")]


def records(first, last):
    return [
        {"id": f"d{n}", "text": f"text {n}", "year": 2000 + n % 30, "tags": ["a", None], "deep": {"é": 0.1 * n}}
        for n in range(first, last)
    ]


@pytest.fixture
def store(tmp_path, rng):
    with Store.create(tmp_path / "store", model={"dim": 16}) as made:
        with made.write() as writer:
            writer.add(records(0, 120), rng.standard_normal((120, 16)))
        yield made


@pytest.fixture
def engine(tmp_path):
    (tmp_path / "engine").mkdir()
    return Engine(tmp_path / "engine")


def test_everything_arrives_and_is_found(store, engine):
    with serving(engine) as url:
        report = export_qdrant(store.path, "corpus", url=url, batch=50)
        assert engine.upserts == [50, 50, 20]
        assert (report.documents, report.sent, report.points, report.compared, report.queries) == (
            120,
            120,
            120,
            120,
            120,
        )
        assert report.ok
        assert report.recall == report.recall_here == 1.0
        point = engine.shards["corpus"].retrieve([point_id("d7")], with_payload=True, with_vector=True)[0]
    document = store.get("d7")
    assert point.payload == payload_of(document, store.vectors(["d7"])[0]) | {"deep": {"é": pytest.approx(0.7)}}
    assert [point.payload[key] for key in ("year", "tags", "id", "title")] == [2007, ["a", None], "d7", ""]
    assert np.allclose(point.vector, store.vectors(["d7"])[0], atol=1e-6)


def test_goes_on_where_it_stopped_and_sends_only_what_changed(store, engine, rng):
    engine.fail_after = 1
    with serving(engine) as url:
        with pytest.raises(StorageError, match=r"the disk is full.*--resume"):
            export_qdrant(store.path, "corpus", url=url, batch=50)
        engine.fail_after = None
        with pytest.raises(InputError, match="there already"):
            export_qdrant(store.path, "corpus", url=url)
        report = export_qdrant(store.path, "corpus", url=url, batch=50, resume=True, queries=5)
        assert (report.sent, report.points, report.ok) == (70, 120, True)
        assert export_qdrant(store.path, "corpus", url=url, resume=True, queries=0).sent == 0
        with store.write() as writer:
            writer.update([{"id": "d3", "year": 1}])
            writer.update([{"id": "d4"}], rng.standard_normal((1, 16)))
            writer.add(records(120, 122), rng.standard_normal((2, 16)))
        report = export_qdrant(store.path, "corpus", url=url, resume=True, queries=0)
        assert (report.sent, report.points, report.recall, report.ok) == (4, 122, None, True)
        with store.write() as writer:
            writer.delete(["d9"])
        report = export_qdrant(store.path, "corpus", url=url, resume=True, queries=0)
        assert (report.points, report.documents, report.ok) == (122, 121, False)


def test_what_is_not_as_it_was_sent_is_named(store, engine, monkeypatch):
    original = Engine.answer

    def spoiled(self, method, path, body):
        if method == "PUT" and path.endswith("/points"):
            for point in body["points"]:
                if point["payload"]["id"] == "d5":
                    point["vector"][0] += 0.5
                if point["payload"]["id"] == "d6":
                    point["payload"]["year"] += 1
            body["points"] = [point for point in body["points"] if point["payload"]["id"] != "d7"]
        return original(self, method, path, body)

    monkeypatch.setattr(Engine, "answer", spoiled)
    with serving(engine) as url:
        report = export_qdrant(store.path, "corpus", url=url)
    assert sorted(report.differing) == ["d5", "d6", "d7"]
    assert (report.points, report.ok) == (119, False)
    assert report.recall < 1.0 == report.recall_here


def test_collections_that_do_not_fit_are_refused(store, engine, tmp_path, rng):
    with Store.create(tmp_path / "other", model={"dim": 4, "similarity": "dot"}) as other:
        with other.write() as writer:
            writer.add([{"id": "a", "text": "t"}], rng.standard_normal((1, 4)) * 3)
        with serving(engine) as url:
            assert export_qdrant(other.path, "small", url=url).ok
            with pytest.raises(InputError, match="16 numbers under Cosine"):
                export_qdrant(store.path, "small", url=url, resume=True)
        with pytest.raises(StorageError, match="did not answer"):
            export_qdrant(store.path, "small", url=url)
        with other.write() as writer:
            writer.update([{"id": "a", HASH: "x"}])
        with serving(engine) as url, pytest.raises(InputError, match="which the export needs"):
            export_qdrant(other.path, "small", url=url, resume=True)
        with other.write() as writer:
            writer.delete(["a"])
        with pytest.raises(InputError, match="no documents"):
            export_qdrant(other.path, "small", url=url)
    with pytest.raises(InputError, match="either the `url`"):
        export_qdrant(store.path, "small")
    with pytest.raises(InputError, match="`batch` must be at least 1"):
        export_qdrant(store.path, "small", url=url, batch=0)


def test_payloads_are_compared_but_for_the_last_place_of_fractions():
    assert _same({"a": [1, None, 1.4]}, {"a": [1, None, 1.4000000000000001]})
    assert _same(float(2**70), 2**70)
    for there, here in (
        ({"a": 1}, {}),
        ([1], [1, 2]),
        (True, 1),
        (1, True),
        ("1", 1),
        (None, 0.0),
        (True, 1.0),
        (1.5, 1.4),
    ):
        assert not _same(there, here)


def test_the_command(store, engine, capsys):
    from accord.cli.main import main

    with serving(engine) as url, pytest.raises(SystemExit) as stopped:
        main(["store", "export", "qdrant", str(store.path), "--url", url, "--collection", "c", "--json"])
    assert not stopped.value.code
    said = json.loads(capsys.readouterr().out)
    assert (said["points"], said["ok"], said["recall"]) == (120, True, 1.0)
