"""A tiny static encoder for the tests of this family."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_tokenizer

from accord.encoders.heads import Normalize
from accord.encoders.static import StaticEncoder

TEXTS = ("read a file", "", "the row of the list", "日本語 and code", "two three " * 40, "a", "read a file", "?!")


def tiny_static(*heads, seed=0, dim=16, **options):
    """A random table over the tiny vocabulary; normalised unless told otherwise."""
    tokenizer = tiny_tokenizer()
    table = torch.randn(len(tokenizer), dim, generator=torch.Generator().manual_seed(seed))
    return StaticEncoder(table, tokenizer, heads or [Normalize()], **options).eval()


@pytest.fixture
def texts():
    return list(TEXTS)


@pytest.fixture
def make():
    return tiny_static


@pytest.fixture
def oracle():
    """The mean of a text's token vectors, one text at a time, straight from the tokenizer."""

    def mean(encoder, texts, *, prompt="", limit=None):
        table = encoder.backbone.folded().detach().double().numpy()
        unknown = encoder.tokenizer.token_to_id("[UNK]")
        rows = []
        for text in texts:
            ids = encoder.tokenizer.encode(prompt + text, add_special_tokens=False).ids[:limit]
            ids = [i for i in ids if not (encoder.skip_unknown and i == unknown)]
            vector = table[ids].mean(axis=0) if ids else np.zeros(table.shape[1])
            norm = np.linalg.norm(vector)
            rows.append(vector / norm if encoder.normalizes and norm else vector)
        return np.stack(rows)

    return mean
