"""A tiny base and experts that were moved from it, each in its own direction."""

import copy

import pytest
import torch
from tiny_models import tiny_encoder

from accord.training.experts import Router, TwinMerging

TEXTS = {
    "read": [f"read the {w} of a file {n}" for w in ("row", "name", "code", "text", "list") for n in ("one", "two")],
    "sort": [f"sort and join {w} {n} with that" for w in ("a", "b", "c", "d", "e") for n in ("six", "seven")],
    "send": [f"{n} close open {w} send true" for w in ("a", "b", "c", "d", "e") for n in ("four", "five")],
}


def moved(encoder, seed, *, size=0.05, rank=None):
    """A copy whose every float tensor was moved; by changes of low rank where a rank is given."""
    changed, generator = copy.deepcopy(encoder), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in changed.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if rank is not None and parameter.ndim == 2:
                left = torch.randn(len(parameter), rank, generator=generator)
                noise = left @ torch.randn(rank, parameter.shape[1], generator=generator)
            parameter += size * noise
    return changed


@pytest.fixture(scope="session")
def base():
    return tiny_encoder(seed=0, layers=2, prompts={"query": "find: ", "document": ""})


@pytest.fixture(scope="session")
def experts(base):
    return {name: moved(base, seed) for seed, name in enumerate(TEXTS, start=1)}


@pytest.fixture(scope="session")
def twin(experts):
    return TwinMerging(rank=4, router=Router(held_out=0.3)).merge(experts, texts=TEXTS)


@pytest.fixture(scope="session")
def texts():
    return [text for group in TEXTS.values() for text in group] + ["", "something else", "read the row of a file one"]
