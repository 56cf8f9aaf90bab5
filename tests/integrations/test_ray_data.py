"""A Ray cluster on this machine: shards are embedded once, also when workers die."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_corpus
from tiny_models import tiny_encoder_folder

from accord.core.errors import InputError
from accord.encoders import load
from accord.integrations.ray_data import RayData, RayEmbedder
from accord.recipes.shards import embed_corpus, embed_shard, open_shards

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

ROWS = [{"id": row["id"], "text": row["text"]} for row in tiny_corpus.ROWS]


@pytest.fixture(scope="module")
def cluster():
    """Two cores of this machine as a cluster; its workers find the tests' modules."""
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        object_store_memory=100 * 2**20,
        runtime_env={"env_vars": {"PYTHONPATH": paths}},
    )
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("model") / "m"))


@pytest.fixture
def corpus(tmp_path):
    return tiny_corpus.write_rows(tmp_path / "corpus.jsonl", ROWS)


class Noted(RayData):
    """Notes which process tried which shard; the first try of shard 2 is killed in the middle."""

    def __init__(self, folder, **rest):
        super().__init__(**rest)
        self.folder = folder

    def run(self, work, numbers):
        folder = self.folder

        def noted(number):
            tries = folder / f"{number}"
            with tries.open("a") as handle:
                handle.write(f"{os.getpid()}\n")
            if number == 2 and len(tries.read_text().split()) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(0.1)
            return work(number)

        return super().run(noted, numbers)


def test_two_workers_embed_every_shard_once_and_one_of_them_dies(tmp_path, model, corpus, cluster):
    tries = tmp_path / "tries"
    tries.mkdir()
    done = embed_corpus(model, corpus, tmp_path / "s", rows=6, spread=Noted(tries, workers=2, cpus=0.5))
    assert (done.rows, done.shards, done.embedded) == (48, 8, 8)
    processes = {int(file.name): file.read_text().split() for file in tries.iterdir()}
    assert set(processes) == set(range(8))
    assert len(processes[2]) >= 2  # killed, and done again by another process
    assert len({pid for pids in processes.values() for pid in pids}) >= 3
    names = [name for table, _ in open_shards(tmp_path / "s") for name in table["id"].to_pylist()]
    assert names == [row["id"] for row in ROWS]
    vectors = np.concatenate([some for _, some in open_shards(tmp_path / "s")])
    np.testing.assert_allclose(vectors, load(model).encode_document([row["text"] for row in ROWS]), atol=1e-6)


def test_a_second_run_asks_the_cluster_for_what_is_left(tmp_path, model, corpus, cluster):
    class Half:
        def run(self, work, numbers):
            yield from (work(number) for number in numbers[::2])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="4 of 8 shards are done"):
        embed_corpus(model, corpus, tmp_path / "s", rows=6, spread=Half())
    tries = tmp_path / "tries"
    tries.mkdir()
    done = embed_corpus(model, corpus, tmp_path / "s", rows=6, spread=Noted(tries, cpus=1))
    assert sorted(int(file.name) for file in tries.iterdir()) == [1, 3, 5, 7]
    assert done.embedded == 4


def test_a_dataset_of_rays_is_embedded(model, cluster):
    import ray.data

    dataset = ray.data.from_items(ROWS[:8]).map_batches(
        RayEmbedder, fn_constructor_kwargs={"model": model}, batch_size=4, concurrency=1, num_cpus=1
    )
    found = {row["id"]: row["vector"] for row in dataset.take_all()}
    wanted = load(model).encode_document([row["text"] for row in ROWS[:8]])
    np.testing.assert_allclose([found[row["id"]] for row in ROWS[:8]], wanted, atol=1e-6)


def test_a_column_that_is_not_there_is_named(model):
    with pytest.raises(InputError, match=r"no column `body`\. It has: id, text"):
        RayEmbedder(model, column="body")({"id": ["a"], "text": ["b"]})
    with pytest.raises(InputError, match="`role`"):
        RayEmbedder(model, role="passage")


def test_workers_that_have_no_room_are_refused_and_not_waited_for(tmp_path, model, corpus, cluster):
    with pytest.raises(InputError, match="3 workers of 1 CPU need 3, and the cluster has 2"):
        embed_corpus(model, corpus, tmp_path / "s", rows=6, spread=RayData(3))
    with pytest.raises(InputError, match="1 workers of 1 GPU need 1, and the cluster has 0"):
        list(RayData(1, gpus=1).run(len, [1]))
    with pytest.raises(InputError, match="`workers`"):
        RayData(0)
    assert list(RayData(1).run(len, [])) == []
    with pytest.raises(InputError, match="`shard` must be from 0 to 7"):
        embed_shard(tmp_path / "s", 8)
