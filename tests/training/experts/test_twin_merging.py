"""Making a twin encoder: what is shared, what is exclusive, and what is refused."""

import copy

import numpy as np
import pytest
from tiny_models import tiny_encoder

from accord.core.errors import InputError
from accord.merging import Linear, merge_state_dicts
from accord.training.experts import Router, TwinMerging


def test_the_shared_model_is_the_merge(experts):
    twin = TwinMerging(Linear([3, 1, 0]), rank=1).merge(experts)
    wanted = merge_state_dicts(Linear([3, 1, 0]), [one.state_dict() for one in experts.values()])
    for name, tensor in twin.shared.state_dict().items():
        np.testing.assert_array_equal(tensor, wanted[name])
    assert twin.router is None
    assert twin.tasks == tuple(experts)


def test_full_rank_gives_every_expert_back(experts, texts):
    twin = TwinMerging(rank=10_000).merge(experts)
    for task, expert in experts.items():
        assert twin.experts[task].energy == pytest.approx(1.0)
        np.testing.assert_allclose(twin.encode(texts, route=task), expert.encode(texts), atol=2e-5)


def test_more_rank_comes_nearer_to_the_expert(experts, texts):
    expert = experts["read"].encode(texts)
    distances = []
    for rank in (1, 8, 32):
        twin = TwinMerging(rank=rank).merge(experts)
        distances.append(float(np.linalg.norm(twin.encode(texts, route="read") - expert)))
    assert distances == sorted(distances, reverse=True)


def test_one_expert_alone_is_the_shared_model(experts, texts):
    one = {"read": experts["read"]}
    twin = TwinMerging(rank=1).merge(one)
    assert not twin.experts["read"].factors
    np.testing.assert_array_equal(twin.encode(texts, route="read"), experts["read"].encode(texts))


def test_the_router_learns_from_the_shared_models_vectors(twin, experts):
    assert twin.router.tasks == tuple(experts)
    assert twin.router.accuracy > 0.6 > twin.router.largest
    assert twin.router.layers[0][0].shape == (twin.dim, 3)


def test_experts_are_left_as_they_were(experts):
    before = {name: one.fingerprint() for name, one in experts.items()}
    TwinMerging(rank=2).merge(experts)
    assert {name: one.fingerprint() for name, one in experts.items()} == before


def test_models_that_differ_in_more_than_weights_are_refused(experts, base):
    longer = copy.deepcopy(experts["sort"])
    longer.max_length = 32
    with pytest.raises(InputError, match=r"`read` and `long` differ in max_length: 64 and 32"):
        TwinMerging().merge({"read": experts["read"], "long": longer})
    with pytest.raises(InputError, match="differ in layers"):
        TwinMerging().merge({"read": experts["read"], "deep": tiny_encoder(layers=3, prompts=base.prompts)})
    with pytest.raises(InputError, match="the base` differ in dim"):
        TwinMerging().merge(experts, tiny_encoder(layers=2, hidden=16))
    bare = copy.deepcopy(base)
    bare.prompts = {}
    assert TwinMerging(rank=1).merge(experts, bare).tasks == tuple(experts)


def test_bad_input_is_refused(experts):
    with pytest.raises(InputError, match="Got none"):
        TwinMerging().merge({})
    with pytest.raises(InputError, match="must be of the tasks"):
        TwinMerging().merge(experts, texts={"read": ["a"] * 9})
    for arguments in ({"rank": 0}, {"top": 0}):
        with pytest.raises(InputError, match=next(iter(arguments))):
            TwinMerging(**arguments)


def test_it_reads_like_its_constructor():
    assert repr(TwinMerging(rank=8, router=Router(hidden=4))) == "TwinMerging(rank=8, router=Router(hidden=4))"
