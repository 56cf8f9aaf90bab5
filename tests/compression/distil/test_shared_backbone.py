"""One transformer in two forms: weights there and back, and what does not fit."""

import pytest
import torch
from tiny_models import tiny_encoder

from accord.compression.distil.shared_backbone import as_cross_encoder, take_backbone
from accord.core.errors import InputError


def test_weights_go_there_and_back():
    encoder = tiny_encoder(layers=1)
    cross = as_cross_encoder(encoder, seed=1, max_length=32)
    assert cross.max_length == 32
    for name, tensor in encoder.backbone.state_dict().items():
        assert torch.equal(cross.backbone.bert.state_dict()[name], tensor)
    again, other = (as_cross_encoder(encoder, seed=seed).backbone.classifier.weight for seed in (1, 2))
    assert torch.equal(again, cross.backbone.classifier.weight)
    assert not torch.equal(other, again)
    with torch.no_grad():
        cross.backbone.bert.embeddings.word_embeddings.weight.add_(1.0)
    before = encoder.encode(["read a file"])
    take_backbone(encoder, cross)
    assert torch.equal(
        encoder.backbone.embeddings.word_embeddings.weight, cross.backbone.bert.embeddings.word_embeddings.weight
    )
    assert (encoder.encode(["read a file"]) != before).any()
    assert encoder.backbone.embeddings.word_embeddings.weight is not cross.backbone.bert.embeddings.word_embeddings


def test_other_shapes_are_refused():
    cross = as_cross_encoder(tiny_encoder(layers=1))
    with pytest.raises(InputError, match=r"`encoder\.layer\.1.*is missing"):
        take_backbone(tiny_encoder(layers=2), cross)
    with pytest.raises(InputError, match=r"x32, not .*x48"):
        take_backbone(tiny_encoder(layers=1, hidden=48), cross)
