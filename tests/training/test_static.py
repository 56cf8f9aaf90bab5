"""A static encoder is trained by the same loop."""

import pyarrow as pa
import torch
from tiny_models import tiny_tokenizer

from accord.data import Pairs
from accord.encoders import StaticEncoder, load
from accord.encoders.heads import Normalize
from accord.objectives import InfoNCE
from accord.training import AdamW, Settings, TrainingTask, train

WORDS = ("read", "write", "open", "close", "list", "file", "row", "name", "code", "text")


def fresh():
    tokenizer = tiny_tokenizer()
    table = torch.randn(len(tokenizer), 8, generator=torch.Generator().manual_seed(0))
    return StaticEncoder(table, tokenizer, [Normalize()], prompts={"query": "query: "})


def test_it_learns_and_is_saved(tmp_path):
    rows = [{"anchor": a, "positive": f"{WORDS[(n * 3 + 1) % 10]} {a}s"} for n, a in enumerate(WORDS)]
    task = TrainingTask(
        name="words", signal=Pairs.of(pa.Table.from_pylist(rows)), objective=InfoNCE(), query_prompt="query: "
    )
    encoder, losses = fresh(), []
    settings = Settings(steps=40, batch=10, chunk_tokens=8, optimizer=AdamW(lr=0.05), precision="float32")
    train(encoder, [task], settings, on_step=lambda record: losses.append(record.loss), checkpoints=tmp_path / "c")
    assert losses[-1] < 0.6 * losses[0]
    encoder.save(tmp_path / "m")
    assert load(tmp_path / "m", device="cpu").fingerprint() == encoder.fingerprint() != fresh().fingerprint()
