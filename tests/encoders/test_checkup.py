"""The doctor names what changed."""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import tiny_encoder, tiny_encoder_folder
from transformers import BertConfig, GPT2Config, GPT2Model

from accord.core.errors import CheckFailed
from accord.encoders import doctor
from accord.encoders.attention import attention_direction


@pytest.fixture
def folder(tmp_path, tiny_folder):
    return shutil.copytree(tiny_folder, tmp_path / "m")


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def failures(folder):
    report = doctor(folder)
    assert not report.passed
    with pytest.raises(CheckFailed):
        report.raise_for_failures()
    return "\n".join(report.failures)


def test_a_sound_model_passes(folder):
    report = doctor(folder)
    assert report.passed, report.failures
    report.raise_for_failures()
    assert report.to_json()["passed"]


def test_pooling(folder):
    edit(folder / "1_Pooling" / "config.json", pooling_mode_mean_tokens=False, pooling_mode_cls_token=True)
    found = failures(folder)
    assert "files: 1_Pooling/config.json is changed" in found
    assert "pooling: was ['Mean'], is ['Cls']" in found
    assert "vectors: largest difference" in found


def test_normalisation(folder):
    path = folder / "modules.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:2]))
    assert "normalisation: was True, is False" in failures(folder)


def test_truncation(folder):
    edit(folder / "sentence_bert_config.json", max_seq_length=16)
    found = failures(folder)
    assert "truncation: was 64, is 16" in found
    assert "vectors: largest difference" in found


def test_prompts(tmp_path):
    folder = tiny_encoder_folder(tmp_path / "p", prompts={"query": "query: "})
    edit(folder / "config_sentence_transformers.json", prompts={"query": "text: "})
    found = failures(folder)
    assert "prompts: was {'query': 'query: '}, is {'query': 'text: '}" in found
    assert "vectors with the prompt 'query'" in found


def test_type_of_numbers(folder):
    path = folder / "model.safetensors"
    half = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(path).items()}
    save_file(half, path, metadata={"format": "pt"})
    assert "dtype: was 'F32', is 'BF16'" in failures(folder)


def test_attention(folder):
    edit(folder / "config.json", is_decoder=True)
    assert "attention: was 'bidirectional', is 'causal'" in failures(folder)


def test_a_model_that_does_not_load(folder):
    (folder / "model.safetensors").write_bytes(b"")
    assert "loads: " in failures(folder)


def test_without_a_manifest_it_looks_whether_the_model_hangs_together(folder):
    (folder / "accord.json").unlink()
    assert doctor(folder).passed
    path = folder / "model.safetensors"
    weights = load_file(path)
    weights["encoder.layer.0.output.dense.bias"][0] = np.nan
    save_file(weights, path, metadata={"format": "pt"})
    assert "finite: NaN or infinity" in failures(folder)


def test_the_direction_of_attention_is_found():
    encoder = tiny_encoder()
    assert attention_direction(encoder) == "bidirectional"
    encoder.backbone = GPT2Model(GPT2Config(vocab_size=300, n_embd=32, n_layer=2, n_head=4, n_positions=64)).eval()
    assert attention_direction(encoder) == "causal"
    whole = tiny_encoder()
    forward = whole.backbone.forward

    def causal_when_alone(input_ids, attention_mask, **options):
        if len(input_ids) > 1:
            return forward(input_ids=input_ids, attention_mask=attention_mask, **options)
        parts = [forward(input_ids=input_ids[:, : n + 1]).last_hidden_state[:, -1] for n in range(input_ids.shape[1])]
        output = forward(input_ids=input_ids)
        output.last_hidden_state = torch.stack(parts, dim=1)
        return output

    whole.backbone.forward = causal_when_alone
    assert attention_direction(whole) == "depends on the batch"
    assert isinstance(whole.backbone.config, BertConfig)


@pytest.mark.slow
@pytest.mark.skipif("ACCORD_ST51_PYTHON" not in os.environ, reason="ACCORD_ST51_PYTHON names no interpreter")
def test_release_5_1_of_sentence_transformers_gives_the_same_vectors(tmp_path, texts):
    encoder = tiny_encoder(prompts={"query": "query: "}, include_prompt=False)
    encoder.save(tmp_path / "m")
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    script = (
        "import json, sys, numpy, sentence_transformers as st; from pathlib import Path; p = Path(sys.argv[1]);"
        "assert st.__version__.startswith('5.1'); m = st.SentenceTransformer(str(p / 'm'), device='cpu');"
        "t = json.loads((p / 'texts.json').read_text());"
        "numpy.save(p / 'a.npy', m.encode(t)); numpy.save(p / 'b.npy', m.encode(t, prompt_name='query'))"
    )
    subprocess.run([os.environ["ACCORD_ST51_PYTHON"], "-c", script, str(tmp_path)], check=True, timeout=300)
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), encoder.encode(texts), atol=1e-6)
    np.testing.assert_allclose(np.load(tmp_path / "b.npy"), encoder.encode(texts, prompt_name="query"), atol=1e-6)
