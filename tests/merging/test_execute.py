"""Merging piece by piece beside the same method on whole tensors in memory."""

import threading
from dataclasses import replace

import pytest
import torch
from tiny_families import assert_same, rewrite, weights_of

from accord.core.errors import InputError
from accord.merging import merge_state_dicts
from accord.merging import plan as planning
from accord.merging.execute import execute
from accord.merging.folder import read_model
from accord.merging.mapped import MappedFiles
from accord.merging.methods import (
    SCE,
    TSVM,
    BreadcrumbsTies,
    DareTies,
    Della,
    Karcher,
    Linear,
    ModelStock,
    Slerp,
    TaskArithmetic,
    Ties,
)
from accord.merging.plan import Use, plan_merge
from accord.merging.writer import WeightsWriter

METHODS = [
    Linear([1.0, 2.0, 3.0]),
    Karcher(),
    TaskArithmetic([0.5, 0.2, 0.3], scaling=0.7),
    Ties(density=0.3),
    Ties(density=0.3, scope="tensor"),
    DareTies(density=0.5),
    Della(density=0.5),
    BreadcrumbsTies(),
    SCE(),
    ModelStock(),
    TSVM(),
]


def run(method, experts, base, folder, *, threads=2, seed=7, dtype=None):
    """The merged weights, and the sums."""
    needs = method.contract.base != "unused"
    use = Use([read_model(path) for path in experts], read_model(base) if needs else None, seed, dtype)
    plan = plan_merge(use, method)
    folder.mkdir()
    path = folder / "model.safetensors"
    with WeightsWriter(path, {tensor.name: (tensor.dtype, tensor.shape) for tensor in plan.tensors}) as writer:
        places = {tensor.name: (writer, tensor.name) for tensor in plan.tensors}
        sums = execute(plan, places, threads=threads)
    return weights_of(folder), sums


@pytest.mark.parametrize("method", METHODS, ids=lambda method: repr(method)[:40])
@pytest.mark.parametrize("piece", [64, 1 << 19])
def test_pieces_give_what_whole_tensors_give(shared_family, tmp_path, monkeypatch, method, piece):
    monkeypatch.setattr(planning, "PIECE", piece)
    *experts, base = shared_family
    found, _ = run(method, experts, base, tmp_path / "out")
    given = weights_of(base) if method.contract.base != "unused" else None
    wanted = merge_state_dicts(method, [weights_of(path) for path in experts], given, seed=7)
    assert_same(found, wanted, 2e-6)


def test_slerp_takes_two(shared_family, tmp_path):
    found, sums = run(Slerp(0.25), shared_family[:2], None, tmp_path / "out")
    wanted = merge_state_dicts(Slerp(0.25), [weights_of(path) for path in shared_family[:2]])
    assert_same(found, wanted)
    assert sums is None


def test_threads_change_nothing(shared_family, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "PIECE", 128)
    *experts, base = shared_family
    before = torch.get_num_threads()
    one, first = run(DareTies(density=0.5), experts, base, tmp_path / "one", threads=1)
    many, second = run(DareTies(density=0.5), experts, base, tmp_path / "many", threads=5)
    assert_same(one, many, 0)
    torch.testing.assert_close(first.products, second.products, rtol=0, atol=0)
    assert first.merged == second.merged
    assert torch.get_num_threads() == before
    assert threading.active_count() < 10


def test_sums_are_those_of_the_whole_vectors(shared_family, tmp_path):
    *experts, base = shared_family
    found, sums = run(TaskArithmetic(0.5), experts, base, tmp_path / "out")

    def flat(weights):
        origin = weights_of(base)
        return torch.cat([(weights[name] - origin[name]).double().flatten() for name in sorted(origin)])

    deltas = torch.stack([flat(weights_of(path)) for path in experts])
    torch.testing.assert_close(sums.products, deltas @ deltas.T, rtol=1e-5, atol=1e-4)
    assert sums.merged == pytest.approx(float(flat(found) @ flat(found)), rel=1e-5)
    assert sums.elements == deltas.shape[1]
    assert sums.rounding == 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_inputs_of_16_bits_are_merged_in_float32(family, tmp_path, dtype):
    *experts, base = family
    for path in family:
        rewrite(path, lambda weights: weights.update({n: t.bfloat16() for n, t in weights.items()}))
    found, sums = run(TaskArithmetic(0.3), experts, base, tmp_path / "out", dtype=dtype)
    in_full = [{n: t.float() for n, t in weights_of(path).items()} for path in family]
    wanted = merge_state_dicts(TaskArithmetic(0.3), in_full[:-1], in_full[-1])
    assert_same(found, {n: t.to(getattr(torch, dtype)) for n, t in wanted.items()}, 0 if dtype == "float32" else 1e-2)
    assert (sums.rounding > 0) == (dtype != "float32")
    assert sums.unchanged.shape == (3,)


@pytest.mark.parametrize(("bad", "word"), [(float("nan"), "NaN"), (float("inf"), "infinite")])
@pytest.mark.parametrize("which", [1, 3])
def test_numbers_that_are_none_are_refused_by_name(family, tmp_path, bad, word, which):
    name = "encoder.layer.0.output.dense.weight"
    rewrite(family[which], lambda weights: weights[name].view(-1)[5:7].fill_(bad))
    with pytest.raises(InputError, match=rf"`{name}` of .*{family[which].name} holds 2 numbers that are {word}"):
        run(Ties(), family[:3], family[3], tmp_path / "out")


def test_large_finite_numbers_are_not_mistaken(family, tmp_path):
    rewrite(family[0], lambda weights: weights["pooler.dense.bias"].fill_(3e20))
    found, _ = run(Linear(), family[:1], None, tmp_path / "out")
    assert float(found["pooler.dense.bias"][0]) == pytest.approx(3e20)
    with pytest.raises(InputError, match=r"`pooler.dense.bias` of the result holds 16 numbers that are infinite"):
        run(Linear(), family[:1], None, tmp_path / "half", dtype="float16")


def test_whole_numbers_are_copied_where_they_agree(family, tmp_path):
    for path in family[:2]:
        rewrite(path, lambda weights: weights.update({"embeddings.position_ids": torch.arange(64)[None]}))
    found, _ = run(Linear(), family[:2], None, tmp_path / "out")
    assert found["embeddings.position_ids"].dtype == torch.int64
    rewrite(family[1], lambda weights: weights["embeddings.position_ids"].zero_())
    with pytest.raises(InputError, match=r"`embeddings.position_ids` holds whole numbers that differ"):
        run(Linear(), family[:2], None, tmp_path / "again")


def test_an_interrupt_stops_all_threads(shared_family, tmp_path):
    class Stop(Linear):
        def merge(self, piece, surveys):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Stop(), shared_family[:2], None, tmp_path / "out")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("merge")]


def test_heads_that_were_not_padded_can_be_read(tmp_path):
    import json
    import struct

    numbers = torch.arange(5.0)
    text = json.dumps({"a": {"dtype": "F32", "shape": [5], "data_offsets": [0, 20]}}).encode()
    text += b" " * (1 - len(text) % 4 % 2)
    while (8 + len(text)) % 4 == 0:
        text += b" "
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + numbers.numpy().tobytes())
    from accord.merging.weight_files import read_weights

    stored = read_weights(tmp_path)["a"]
    with MappedFiles() as files:
        assert files.read(stored, 1, 3).tolist() == [1.0, 2.0, 3.0]
        assert files.read(replace(stored, shape=(0,)), 0, 0).tolist() == []
        files.release(stored, 5)
        assert files.read(stored, 0, 5).tolist() == numbers.tolist()
