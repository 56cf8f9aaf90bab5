"""SliceGPT after post-norm layers: turning changes nothing, slicing little, and the folder comes back."""

import numpy as np
import pytest
import torch
from tiny_models import family_folder, tiny_encoder

from accord.compression.prune import SliceGPT, slice_gpt
from accord.core.errors import InputError, ModelError
from accord.core.types import View
from accord.encoders import doctor, load
from accord.encoders.packed import packed_program
from accord.encoders.static import StaticEncoder

TEXTS = ["read the file", "a list of names and the code, row by row", "x", "write"]


def cosines(a, b):
    return (a * b).sum(1)


def with_uneven_norms(encoder):
    """Gains and offsets as training leaves them, where a fresh model has ones and zeros."""
    draw = torch.Generator().manual_seed(3)
    for module in encoder.backbone.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.weight.data = 0.5 + torch.rand(module.weight.shape, generator=draw)
            module.bias.data = 0.2 * torch.randn(module.bias.shape, generator=draw)
    return encoder


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-9)])
@pytest.mark.parametrize("basis", ["principal", "random"])
def test_turning_changes_no_vector(calibration, basis, dtype, tolerance):
    encoder = with_uneven_norms(tiny_encoder()).to(dtype)
    turned, record = slice_gpt(encoder, 0.0, calibration, basis=basis)
    assert record["kept"] == record["of"] == 32
    batch = encoder.prepare(TEXTS)
    with torch.no_grad():
        for padded in (batch, type(batch)(batch.input_ids, torch.ones_like(batch.attention_mask))):
            a, b = (one.backbone(padded.input_ids, padded.attention_mask)[0] for one in (encoder, turned))
            real = padded.attention_mask.bool()
            torch.testing.assert_close(a[real], b[real], atol=tolerance, rtol=0)
        (a,), (b,) = (one(batch).pooled.values() for one in (encoder, turned))
    torch.testing.assert_close(a, b, atol=tolerance, rtol=0)


def test_one_coordinate_is_always_free(calibration):
    encoder = with_uneven_norms(tiny_encoder())
    sliced, record = slice_gpt(encoder, 1 / 32, calibration)
    assert record["kept"] == 31
    np.testing.assert_allclose(sliced.encode(TEXTS), encoder.encode(TEXTS), atol=1e-4)


def test_principal_axes_beat_coordinates_and_random_directions(calibration):
    encoder = with_uneven_norms(tiny_encoder())
    wanted = encoder.encode(calibration)
    kept = {}
    for basis in ("principal", "magnitude", "random"):
        sliced = SliceGPT(0.25, basis=basis).prune(encoder, calibration)
        assert sliced.record["kept"] == 24
        kept[basis] = cosines(sliced.encoder.encode(calibration), wanted).mean()
    assert kept["principal"] > max(kept["magnitude"], kept["random"])


def test_positions_counted_from_the_padding(tmp_path, calibration):
    encoder = load(family_folder(tmp_path / "m", "roberta"), device="cpu")
    turned, _ = slice_gpt(encoder, 0.0, calibration)
    np.testing.assert_allclose(turned.encode(TEXTS), encoder.encode(TEXTS), atol=1e-4)


def test_the_folder_comes_back_and_other_layers_are_refused(tmp_path, calibration):
    sliced, _ = slice_gpt(tiny_encoder(), 0.25, calibration)
    sliced.save(tmp_path / "m")
    assert not list((tmp_path / "m").rglob("*.py"))
    again = load(tmp_path / "m", device="cpu")
    np.testing.assert_array_equal(again.encode(TEXTS), sliced.encode(TEXTS))
    assert again.fingerprint() == sliced.fingerprint()
    assert doctor(tmp_path / "m").passed
    assert packed_program(again.backbone, torch.float32) is None
    with pytest.raises(InputError, match="coordinates of its own"):
        again.encode(TEXTS, view=View(layer=1))
    with pytest.raises(InputError, match="were not found"):
        again.cut(View(layer=1))
    with pytest.raises(InputError, match="`slice` does not support accord-sliced-bert"):
        slice_gpt(again, 0.1, calibration)


def test_gradients_reach_every_weight(calibration):
    sliced, _ = slice_gpt(tiny_encoder(), 0.25, calibration)
    next(iter(sliced(sliced.prepare(TEXTS)).pooled.values())).square().sum().mul(3).backward()
    without = [name for name, weight in sliced.named_parameters() if weight.grad is None]
    assert not without


def test_refusals(tmp_path, calibration):
    encoder = tiny_encoder()
    for share in (1.0, -0.1, True, "a"):
        with pytest.raises(InputError, match=r"`slice` must lie in \[0, 1\)"):
            SliceGPT(share)
    with pytest.raises(InputError, match="`basis` must be one of principal, magnitude, random"):
        SliceGPT(0.1, basis="pca")
    with pytest.raises(InputError, match=r"at least 64\. Got 3"):
        slice_gpt(encoder, 0.1, calibration[:3])
    other = load(family_folder(tmp_path / "m", "distilbert"), device="cpu")
    with pytest.raises(InputError, match="does not support distilbert; only bert, roberta"):
        slice_gpt(other, 0.1, calibration)
    static = StaticEncoder.__new__(StaticEncoder)
    with pytest.raises(InputError, match="static encoder is one table"):
        slice_gpt(static, 0.1, calibration)
    assert issubclass(ModelError, InputError)
