"""Small models and losses whose best merge is known."""

import torch

SHAPES = {"layer.0.weight": (4, 3), "layer.0.bias": (4,), "layer.1.weight": (2, 4)}


def toy_models(count=3, seed=0, scale=1.0, dtype=torch.float32):
    """A base and experts that differ from it at random, with a tensor of whole numbers beside."""
    generator = torch.Generator().manual_seed(seed)

    def drawn():
        return {n: torch.randn(*s, generator=generator, dtype=torch.float64).to(dtype) for n, s in SHAPES.items()}

    base = drawn()
    experts = [{n: t + scale * change[n] for n, t in base.items()} for change in (drawn() for _ in range(count))]
    whole = {"position_ids": torch.arange(5)}
    return {**base, **whole}, [{**expert, **whole} for expert in experts]


def flat(state):
    """All weights as one vector."""
    return torch.cat([state[name].flatten() for name in SHAPES])


def distance_to(target):
    """The loss that is the squared distance to some weights."""
    return lambda state: sum((state[name] - target[name]).square().sum() for name in SHAPES)
