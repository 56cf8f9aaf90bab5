"""Families of tiny models: a base and what training might have made of it."""

import numpy as np
import torch
from safetensors.torch import load_file, save_file


def changed(state, number, size=0.05):
    """Weights with a change of their own added to each floating-point tensor."""
    draw = torch.Generator().manual_seed(number)

    def other(tensor):
        return (
            tensor + size * torch.randn(tensor.shape, generator=draw) if tensor.is_floating_point() else tensor.clone()
        )

    return {name: other(tensor) for name, tensor in state.items()}


def save_family(folder, make, count=3):
    """A base and `count` models with changed weights, all saved; gives their folders, the base last."""
    model = make()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    paths = [folder / f"e{number}" for number in range(count)]
    for number, path in enumerate(paths):
        model.load_state_dict(changed(state, number))
        model.save(path)
    model.load_state_dict(state)
    model.save(folder / "base")
    return [*paths, folder / "base"]


def weights_of(folder, part=""):
    """The weights in a folder."""
    return load_file(folder / part / "model.safetensors")


def rewrite(folder, change):
    """Change the weights of a folder in place; it is no longer what accord saved."""
    weights = weights_of(folder)
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "accord.json").unlink(missing_ok=True)


def assert_same(left, right, tolerance=1e-6):
    """Two dictionaries of weights with the same names, types and numbers."""
    assert left.keys() == right.keys()
    for name in left:
        assert left[name].dtype == right[name].dtype, name
        np.testing.assert_allclose(left[name].double(), right[name].double(), atol=tolerance, rtol=0, err_msg=name)
