"""What tests of merging share: small families of weights, a merge in pieces of a given size, recorded results."""

import json
from functools import reduce
from operator import add
from pathlib import Path

import torch

from accord.merging import Piece, merge_state_dicts
from accord.merging.base import row_length

SHAPES = {"matrix": (7, 5), "other": (4, 6), "filters": (4, 3, 2), "vector": (9,), "scalar": ()}
GOLDEN = json.loads((Path(__file__).parent / "mergekit_golden.json").read_text(encoding="utf-8"))
THEIRS = {"weight": "weights", "lambda": "scaling"}


def family(number=3, seed=0, size=0.1, shapes=None):
    """A base and `number` experts around it."""
    draw = torch.Generator().manual_seed(seed)
    shapes = shapes or SHAPES
    base = {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    return base, [{n: t + size * torch.randn(t.shape, generator=draw) for n, t in base.items()} for _ in range(number)]


def base_for(method, base):
    """The base where the method needs one."""
    return base if method.contract.base == "required" else None


def merge(method, experts, base=None, **options):
    """As users merge weights in memory."""
    return merge_state_dicts(method, experts, base, **options)


def pieces(experts, base, rows, names=None, seed=0):
    """Every tensor, cut into pieces of so many rows."""
    for name in names or experts[0]:
        shape = tuple(experts[0][name].shape)
        step = rows if len(shape) > 1 else 1
        for start in range(0, shape[0] if len(shape) > 1 else 1, step):
            cut = slice(start, start + step) if len(shape) > 1 else ...
            yield Piece(
                name=name,
                experts=[expert[name][cut] for expert in experts],
                base=None if base is None else base[name][cut],
                first=start * row_length(shape),
                shape=shape,
                seed=seed,
            )


def merge_in_pieces(method, experts, base, rows, seed=0):
    """The plainest possible walk over pieces."""

    def surveys(names):
        done = []
        for _ in range(method.passes):
            found = [method.survey(piece, done) for piece in pieces(experts, base, rows, names, seed)]
            done.append(reduce(add, found))
        return done

    over_all = surveys(list(experts[0])) if method.scope == "global" else None
    merged = {}
    for name, tensor in experts[0].items():
        known = surveys([name]) if over_all is None else over_all
        parts = [method.merge(piece, known) for piece in pieces(experts, base, rows, [name], seed)]
        merged[name] = torch.cat(parts) if tensor.ndim > 1 else parts[0]
    return merged


def assert_close(found, expected, **tolerance):
    """Two sets of weights agree."""
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, expected[name], msg=lambda text, name=name: f"{name}: {text}", **tolerance)


def assert_weights_may_be_scaled(kind, **arguments):
    """With normalised weights, only their ratio counts."""
    base, experts = family()
    small, large = (kind([w * f for w in (1.0, 2.0, 3.0)], **arguments) for f in (1.0, 7.0))
    assert_close(merge(small, experts, base_for(small, base)), merge(large, experts, base_for(large, base)))


def assert_order_of_experts_is_free(method):
    """Experts may come in any order."""
    base, experts = family(4)
    found = [
        merge(method, [experts[i] for i in order], base_for(method, base)) for order in ([0, 1, 2, 3], [2, 0, 3, 1])
    ]
    assert_close(found[0], found[1], atol=1e-6, rtol=1e-5)


def assert_identical_experts_give_the_expert(method, number=3):
    """Merging a model with itself changes nothing."""
    base, (expert,) = family(1)
    assert_close(merge(method, [expert] * number, base_for(method, base)), expert, atol=1e-6, rtol=1e-5)


def golden(name):
    """A recorded case: the experts, the base or None, the parameters as accord names them, and the result."""
    case = next(case for case in GOLDEN["cases"] if case["case"] == name)
    experts = [{"w": torch.tensor(expert)} for expert in GOLDEN["experts"][: case["experts"]]]
    base = {"w": torch.tensor(GOLDEN["base"])} if case["base"] else None
    parameters = {THEIRS.get(key, key): value for key, value in case["parameters"].items()}
    return experts, base, parameters, torch.tensor(case["merged"])


def assert_golden(kind, name, **more):
    """The result that mergekit 0.1.5 gave, as recorded in `mergekit_golden.json`."""
    experts, base, parameters, expected = golden(name)
    found = merge(kind(**parameters | more), experts, base)["w"]
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)
