"""What every method that looks at no data promises; a new method edits none of this."""

import inspect

import pytest
import torch
from merging.merge_checks import SHAPES, assert_close, base_for, family, merge, merge_in_pieces

from accord.core.errors import InputError
from accord.core.spec import catalogue, parameters
from accord.merging import methods

KINDS = catalogue(methods)
every_method = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def configurations():
    """Each method as it is, and in every scope that it offers."""
    for name, kind in KINDS.items():
        scopes = ("tensor", "row", "global") if "scope" in parameters(kind) else (None,)
        for scope in scopes:
            yield pytest.param(kind() if scope is None else kind(scope=scope), id=f"{name}-{scope or 'fixed'}")
    yield pytest.param(methods.NuSlerp(nuslerp_flatten=False), id="NuSlerp-columns")
    yield pytest.param(methods.NuSlerp(nuslerp_flatten=False, nuslerp_row_wise=True), id="NuSlerp-rows")
    yield pytest.param(methods.ModelStock(filter_wise=True), id="ModelStock-rows")
    yield pytest.param(methods.SCE(select_topk=1.0), id="SCE-all")


every_configuration = pytest.mark.parametrize("method", list(configurations()))


SMALL = {"matrix": (5, 4), "vector": (7,), "scalar": ()}


def some(method, **options):
    """A base, or None where the method has no use for it, and as many experts as the method takes."""
    base, experts = family(method.contract.most or 3, **{"shapes": SMALL} | options)
    return None if method.contract.base == "unused" else base, experts


def test_names_in_merge_files_are_unique():
    assert len({kind.name for kind in KINDS.values()}) == len(KINDS)


@every_method
def test_docstring_has_its_sections_in_order(kind):
    text = inspect.getdoc(kind)
    places = [
        text.find(part) for part in (".. math::", "Also known as:", "Reference:", "Differs from", "Args:", ">>> ")
    ]
    assert -1 not in places
    assert places == sorted(places)


@every_method
def test_missing_base_is_refused(kind):
    method = kind()
    _, experts = some(method)
    if method.contract.base == "required":
        with pytest.raises(InputError, match="base"):
            merge(method, experts)
    else:
        assert_close(merge(method, experts), merge(method, experts))


@every_method
def test_number_of_experts_is_checked(kind):
    method = kind()
    base, experts = family(5)
    least, most = method.contract.least, method.contract.most
    if least > 1:
        with pytest.raises(InputError, match=f"merges .*{least}"):
            merge(method, experts[: least - 1], base)
    if most is not None:
        with pytest.raises(InputError, match=f"merges .*{most}"):
            merge(method, experts[: most + 1], base)


@every_method
def test_lists_must_have_a_number_for_each_expert(kind):
    lists = [name for name, p in parameters(kind).items() if "PerExpert" in str(p.annotation)]
    for name in lists:
        default = parameters(kind)[name].default
        method = kind(**{name: [default] * 4})
        with pytest.raises(InputError, match=f"`{name}` must be one number, or one for each of 2"):
            method.for_experts(2)


@every_method
def test_per_expert_lists_equal_single_numbers(kind):
    base, experts = some(kind())
    lists = {n: [p.default] * len(experts) for n, p in parameters(kind).items() if "PerExpert" in str(p.annotation)}
    plain, listed = (merge(method, experts, base_for(method, base)) for method in (kind(), kind(**lists)))
    for name in plain:
        assert torch.equal(plain[name], listed[name])


@every_configuration
def test_pieces_give_the_whole_bit_for_bit(method):
    if method.whole:
        return
    base, experts = some(method, shapes=SHAPES)
    whole, *others = (merge_in_pieces(method, experts, base, size, seed=5) for size in (1000, 1, 3))
    others.append(merge(method, experts, base, seed=5))
    for name, tensor in whole.items():
        assert all(torch.equal(other[name], tensor) for other in others), name


@every_configuration
def test_experts_that_changed_nothing_give_the_base(method):
    base, experts = some(method, size=0.0)
    expected = experts[0] if base is None else base
    assert_close(merge(method, experts, base), expected, atol=1e-5, rtol=1e-5)


@every_configuration
def test_zeros_make_no_nan(method):
    zeros = {"matrix": torch.zeros(4, 3), "vector": torch.zeros(5), "scalar": torch.zeros(())}
    base, experts = some(method)
    found = merge(method, [zeros] * len(experts), None if base is None else zeros)
    assert all(torch.equal(found[name], tensor) for name, tensor in zeros.items())


@every_configuration
def test_one_expert_that_is_zero_makes_no_nan(method):
    base, experts = some(method)
    zero = {name: torch.zeros_like(tensor) for name, tensor in experts[0].items()}
    found = merge(method, [zero, *experts[1:]], None if base is None else zero)
    assert all(tensor.isfinite().all() for tensor in found.values())


@every_configuration
def test_inputs_are_left_as_they_are(method):
    base, experts = some(method)
    before = [{n: t.clone() for n, t in model.items()} for model in [*experts, *([base] if base else [])]]
    merge(method, experts, base)
    for model, copy in zip([*experts, *([base] if base else [])], before):
        assert all(torch.equal(model[name], copy[name]) for name in model)


@every_configuration
def test_gradients_flow_to_every_expert_and_change_nothing(method):
    base, experts = some(method, shapes={"matrix": (7, 5), "vector": (9,)})
    plain = merge(method, experts, base, seed=2)
    leaves = [{n: t.clone().requires_grad_() for n, t in expert.items()} for expert in experts]
    merged = merge(method, leaves, base, seed=2)
    assert_close({n: t.detach() for n, t in merged.items()}, plain)
    sum(tensor.square().sum() for tensor in merged.values()).backward()
    for leaf in leaves:
        assert all(tensor.grad is not None and tensor.grad.isfinite().all() for tensor in leaf.values())


@every_configuration
def test_dtype_stays_and_arithmetic_is_in_float32(method):
    base, experts = some(method)
    if method.whole:
        return
    half = [{n: t.bfloat16() for n, t in model.items()} for model in experts]
    half_base = None if base is None else {n: t.bfloat16() for n, t in base.items()}
    full = merge(
        method,
        [{n: t.float() for n, t in model.items()} for model in half],
        None if half_base is None else {n: t.float() for n, t in half_base.items()},
    )
    found = merge(method, half, half_base)
    for name, tensor in found.items():
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(tensor, full[name].bfloat16())


@every_configuration
def test_results_do_not_depend_on_the_order_of_tensors(method):
    base, experts = some(method)
    turned = [dict(reversed(expert.items())) for expert in experts]
    found = merge(method, turned, base, seed=3)
    expected = merge(method, experts, base, seed=3)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, atol=1e-6, rtol=1e-6)


@every_configuration
def test_a_tensor_without_elements_stays_empty(method):
    base, experts = some(method, shapes={"none": (0, 4), "matrix": (3, 4)})
    assert merge(method, experts, base)["none"].shape == (0, 4)


def test_a_base_of_another_kind_is_named():
    with pytest.raises(InputError, match="`ties` needs the base"):
        merge(methods.Ties(), family()[1])
