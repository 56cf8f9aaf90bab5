"""A narrower plain BERT: a folder like any other, near the original, exact where coordinates are told by others."""

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tiny_models import family_folder, tiny_encoder

from accord.compression.prune import Narrow, narrow
from accord.core.errors import InputError
from accord.encoders import doctor, load
from accord.encoders.packed import packed_program
from accord.encoders.pooling import Max

TEXTS = ["read the file", "a list of names and the code, row by row", "x"]


def test_a_plain_folder_of_the_same_space(tmp_path, calibration):
    encoder = tiny_encoder(hidden=48)
    pruned = Narrow(0.25).prune(encoder, calibration)
    assert pruned.record == {
        "method": "slice", "form": "plain", "share": 0.25, "of": 48, "kept": 36,
    }  # fmt: skip
    smaller = pruned.encoder
    assert type(smaller.backbone).__name__ == "BertModel"
    assert smaller.backbone.config.hidden_size == 36
    assert smaller.dim == encoder.dim
    assert packed_program(smaller.backbone, torch.float32) is not None
    cosine = (smaller.encode(calibration) * encoder.encode(calibration)).sum(1).mean()
    assert cosine > 0.8
    smaller.save(tmp_path / "m")
    model = SentenceTransformer(str(tmp_path / "m"), device="cpu")
    np.testing.assert_allclose(model.encode(TEXTS), smaller.encode(TEXTS), atol=1e-6)
    np.testing.assert_allclose(load(tmp_path / "m", device="cpu").encode(TEXTS), smaller.encode(TEXTS), atol=1e-6)
    assert doctor(tmp_path / "m").passed


def test_positions_counted_from_the_padding(tmp_path, calibration):
    encoder = load(family_folder(tmp_path / "m", "roberta"), device="cpu")
    smaller, _ = narrow(encoder, 0.25, calibration)
    smaller.save(tmp_path / "s")
    np.testing.assert_allclose(load(tmp_path / "s", device="cpu").encode(TEXTS), smaller.encode(TEXTS), atol=1e-6)


def test_refusals(tmp_path, calibration):
    for share in (0, 1, 1.5):
        with pytest.raises(InputError, match=r"`slice` must lie in \(0, 1\)"):
            Narrow(share)
    with pytest.raises(InputError, match=r"at least 64\. Got 2"):
        narrow(tiny_encoder(), 0.25, calibration[:2])
    with pytest.raises(InputError, match=r"one pooling of Mean, Cls, Last, Weighted\. This encoder has Max"):
        narrow(tiny_encoder(pooling=[Max()]), 0.25, calibration)
    other = load(family_folder(tmp_path / "m", "mpnet"), device="cpu")
    with pytest.raises(InputError, match="does not support mpnet"):
        narrow(other, 0.25, calibration)
