"""Twin encoders: every way through them against a model that was written out for one text at a time."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from accord.core.errors import InputError
from accord.encoders import load as load_encoder
from accord.training.experts import TwinEncoder, TwinMerging, load


def written_out(twin, text, weights, prompt=""):
    """The slow twin: one text, one model, its weights summed up beforehand."""
    encoder = copy.deepcopy(twin.shared)
    state = {name: tensor.double() for name, tensor in twin.shared.state_dict().items()}
    for weight, part in zip(weights, twin.experts.values()):
        for name, (up, down) in part.factors.items():
            state[name] = state[name] + weight * (up.double() @ down.double()).view(state[name].shape)
        for name, vector in part.vectors.items():
            state[name] = state[name] + weight * vector.double()
    encoder.load_state_dict({n: t.to(twin.shared.state_dict()[n].dtype) for n, t in state.items()})
    return encoder.encode(text, prompt=prompt)


def variant(twin, top):
    return TwinEncoder(twin.shared, twin.experts, twin.router, top=top)


@pytest.mark.parametrize("top", [1, 2, None])
def test_every_text_is_encoded_by_its_own_weights(twin, texts, top):
    given = variant(twin, top)
    weights = given.weights(texts)
    assert (np.count_nonzero(weights, axis=1) == (top or 3)).all()
    assert weights.sum(1) == pytest.approx(1)
    found = given.encode(texts, batch_tokens=64)
    for row, text, own in list(zip(found, texts, weights))[::4]:
        np.testing.assert_allclose(row, written_out(twin, text, own), atol=2e-5)


def test_the_router_sends_texts_apart(twin, texts):
    assert len(np.unique(twin.weights(texts).argmax(axis=1))) > 1
    assert not np.allclose(twin.encode(texts), twin.shared.encode(texts), atol=1e-3)


@pytest.mark.parametrize("top", [1, None])
def test_vectors_depend_neither_on_order_nor_on_company(twin, texts, top):
    given = variant(twin, top)
    together = given.encode(texts)
    np.testing.assert_allclose(given.encode(texts[::-1])[::-1], together, atol=1e-6)
    np.testing.assert_allclose([given.encode(text) for text in texts[:4]], together[:4], atol=1e-6)


def test_a_given_route_is_that_expert_for_every_text(twin, texts):
    for number, task in enumerate(twin.tasks):
        found = twin.encode(texts, route=task)
        np.testing.assert_allclose(found, twin.expert(task).encode(texts), atol=1e-6)
        np.testing.assert_allclose(found[0], written_out(twin, texts[0], np.eye(3)[number]), atol=2e-5)
    np.testing.assert_array_equal(twin.encode(texts, route="shared"), twin.shared.encode(texts))


def test_the_shared_model_is_never_changed(twin, texts):
    before = twin.shared.fingerprint()
    for top in (1, None):
        variant(twin, top).encode(texts)
    twin.expert("read").encode(texts)
    assert twin.shared.fingerprint() == before


def test_roles_put_their_prompts_and_keep_their_route(twin):
    found = twin.encode_query(["row"], route="sort")
    np.testing.assert_allclose(found, twin.encode(["find: row"], route="sort"), atol=1e-6)
    np.testing.assert_allclose(twin.encode_document(["row"], route="sort"), twin.encode(["row"], route="sort"))
    assert twin.agreement(["row"], ["row"]) in {0.0, 1.0}


def test_agreement_counts_pairs_of_one_route(base, experts, texts):
    plain = {name: copy.deepcopy(one) for name, one in experts.items()}
    for one in plain.values():
        one.prompts = {}
    twin = TwinMerging(rank=1).merge(plain, texts=dict.fromkeys(plain, texts))
    assert twin.agreement(texts, texts) == 1.0
    chosen = twin.weights(texts).argmax(axis=1)
    assert twin.agreement(texts, texts[::-1]) == pytest.approx((chosen == chosen[::-1]).mean())


def test_cost_says_what_is_stored_and_computed(twin):
    cost = twin.cost()
    whole = sum(t.numel() * 4 for t in twin.shared.state_dict().values())
    assert cost.shared_bytes == pytest.approx(whole, rel=0.01)
    assert cost.separate_bytes == 3 * cost.shared_bytes
    assert cost.exclusive_bytes == 4 * sum(part.numbers for part in twin.experts.values())
    assert (cost.passes, cost.extra) == (2, 0.0)
    mixed = variant(twin, None).cost()
    assert 0 < mixed.extra < 3
    assert TwinEncoder(twin.shared, twin.experts).cost().passes == 1


@pytest.mark.parametrize("top", [1, None])
def test_a_saved_folder_encodes_the_same_and_holds_a_plain_model(twin, texts, tmp_path, top):
    given = variant(twin, top)
    given.save(tmp_path / "twin")
    again = load(tmp_path / "twin")
    np.testing.assert_array_equal(again.encode(texts), given.encode(texts))
    assert again.fingerprint() == given.fingerprint()
    assert [part.energy for part in again.experts.values()] == [part.energy for part in twin.experts.values()]
    assert again.router.accuracy == twin.router.accuracy
    np.testing.assert_array_equal(
        load_encoder(tmp_path / "twin" / "shared").encode(texts), twin.encode(texts, route="shared")
    )
    given.save(tmp_path / "twin")  # replaces its own kind


def test_a_changed_folder_is_refused(twin, tmp_path):
    twin.save(tmp_path / "twin")
    file = tmp_path / "twin" / "twin.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InputError, match="changed after it was saved"):
        load(tmp_path / "twin")
    with pytest.raises(InputError, match=r"twin\.json is missing"):
        load(tmp_path)
    with pytest.raises(InputError, match="something else"):
        twin.save(tmp_path)


def test_without_a_router_a_route_must_be_named(twin, texts):
    alone = TwinEncoder(twin.shared, twin.experts)
    np.testing.assert_array_equal(alone.encode(texts, route="read"), twin.encode(texts, route="read"))
    with pytest.raises(InputError, match="Name a route: read, sort, send or shared"):
        alone.encode(texts)
    with pytest.raises(InputError, match="Did you mean `sort`"):
        alone.encode(texts, route="sorts")


def test_a_layer_that_cannot_be_mixed_is_named(twin):
    odd = torch.nn.Module()
    odd.table = torch.nn.Parameter(torch.zeros(3, 3))
    shared = copy.deepcopy(twin.shared)
    shared.backbone.odd = odd
    parts = {
        n: dataclasses.replace(p, factors={"backbone.odd.table": (torch.ones(3, 1), torch.ones(1, 3))})
        for n, p in twin.experts.items()
    }
    with pytest.raises(InputError, match=r"`backbone\.odd` is a Module"):
        TwinEncoder(shared, parts, twin.router, top=None).encode(["row"])


def test_no_text_and_things_that_are_none(twin):
    assert twin.encode([]).shape == (0, twin.dim)
    with pytest.raises(InputError, match="must hold strings"):
        twin.encode(["a", 3])


def test_bad_parts_are_refused(twin):
    with pytest.raises(InputError, match="'shared'"):
        TwinEncoder(twin.shared, {"shared": next(iter(twin.experts.values()))})
    with pytest.raises(InputError, match="The router knows"):
        TwinEncoder(twin.shared, dict(list(twin.experts.items())[:2]), twin.router)
    with pytest.raises(InputError, match="top"):
        TwinEncoder(twin.shared, twin.experts, top=0)


def test_it_has_what_search_and_evaluation_call(twin):
    assert twin.encode_query(["row"], prompt_name=None, progress=None).shape == (1, twin.dim)
    assert twin.encode_document(["row"], prompt_name=None, progress=None).shape == (1, twin.dim)
    assert twin.similarity(twin.encode(["row"]), twin.encode(["row"])).item() == pytest.approx(1.0, abs=1e-5)
