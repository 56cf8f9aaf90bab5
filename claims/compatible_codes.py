"""Old codes that stay valid when the encoder changes, from retrieval at Tencent.

The paper (BEBR) trains a new binariser so that its codes may be compared with those of the old one, and an index need
not be made again. Here the old encoder is the untouched one, and the new one is tuned to code search. Documents keep
the old codes; queries come from the new encoder. Decisive: the new binariser with the compatible term, beside the same
binariser, from the same start, without it. Beside them: one that never saw the old codes, the old encoder's own
queries, and the new encoder on documents encoded anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claims.base import Claim, Context, Outcome
from claims.codes import COLLECTIONS, Collection, collection, of_seeds, searched_values, vectors_of
from claims.paired import compare
from claims.study import row

if TYPE_CHECKING:
    from accord import TextEncoder

__all__ = ["CLAIM"]

METHOD, BASELINE = "compatible term", "the same start, without it"
APART, OLD, ANEW = "fitted apart", "old encoder, old codes", "new encoder, codes made anew"
STEPS = {"quick": 30, "full": 120}
"""Of the encoder."""
CODEC_STEPS = {"quick": 300, "full": 600}
BATCH, RATE, LENGTH = 32, 2e-4, 64


def run(context: Context) -> Outcome:
    """Tune the encoder, fit the binarisers, and search old codes with new queries."""
    from accord import load
    from accord.compression.codecs import RecurrentBinary

    old, new = load(context.model, device=context.device), _tuned(context)
    binary = RecurrentBinary(bits=2, steps=CODEC_STEPS[context.scale])
    before = {name: collection(context, name, folder, old) for name, folder in context.data.items()}
    after = {name: _again(context, name, of, new) for name, of in before.items()}

    def way(how: str) -> Callable[[int], Mapping[str, Any]]:
        def search(name: str, seed: int) -> list[float]:
            was, now = before[name], after[name]
            first = binary.fit(was.documents, seed=seed)
            if how == OLD:
                return searched_values(was, first, symmetric=True)
            if how in {APART, ANEW}:
                codec = binary.fit(now.documents, seed=seed + 1_000)
            else:
                codec = binary.fit_compatible(
                    now.documents,
                    old=first,
                    old_vectors=was.documents,
                    weight=1.0 if how == METHOD else 0.0,
                    seed=seed,
                )
            codes = None if how == ANEW else first.encode(was.documents)
            return searched_values(now, codec, symmetric=True, codes=codes)

        return lambda seed: {name: search(name, seed) for name in before}

    key = {
        "data": {name: of.fingerprint() for name, of in before.items()},
        "models": [old.fingerprint(), new.fingerprint()],
    }
    values, seconds = of_seeds(context, {how: way(how) for how in (METHOD, BASELINE, APART, OLD, ANEW)}, key)
    return Outcome(
        paired=compare(values[METHOD], values[BASELINE]),
        seconds=seconds,
        tasks=[
            row(compare({task: values[METHOD][task]}, {task: values[BASELINE][task]}), task=task) for task in before
        ],
        details={
            "means": {how: {task: round(float(of[task].mean()), 4) for task in of} for how, of in values.items()},
            "comparisons": {
                f"{METHOD} against {how}": row(compare(values[METHOD], values[how])) for how in (APART, OLD, ANEW)
            },
        },
        notes=[
            "Codes on both sides, two planes; the new encoder is tuned to code search alone.",
            "The binariser's own settings, though not this term, were chosen on these collections.",
        ],
    )


def _again(context: Context, name: str, of: Collection, model: TextEncoder) -> Collection:
    """The same collection, by another encoder."""
    return replace(
        of,
        queries=vectors_of(context, model, of.asked, what=f"queries of {name}"),
        documents=vectors_of(context, model, of.texts, what=f"documents of {name}"),
    )


def _tuned(context: Context) -> TextEncoder:
    """The model, tuned to code search on the collection's own train part; made once."""
    from accord import InfoNCE, TextEncoder, load
    from accord.core.storage import hash_json
    from accord.training import AdamW, Settings, TrainingTask, train
    from claims.data import parts_of

    pairs = parts_of(context.data["code"], COLLECTIONS["code"])["train"]
    model = load(context.model, device=context.device, max_length=LENGTH)
    assert isinstance(model, TextEncoder)
    key = [model.fingerprint(), pairs.fingerprint(), STEPS[context.scale], BATCH, RATE]
    made: Path = context.cache.parent / "tuned" / hash_json(key)[:24]
    if not made.is_dir():
        task = TrainingTask(name="code", signal=pairs, objective=InfoNCE(mask=("text",)))
        train(model, [task], Settings(steps=STEPS[context.scale], batch=BATCH, optimizer=AdamW(lr=RATE)))
        model.save(made)
    found = load(str(made), device=context.device)
    assert isinstance(found, TextEncoder)
    return found


CLAIM = Claim(
    name="compatible_codes",
    papers=(199,),
    statement="A binariser trained with old codes beside it searches them better than one trained without.",
    method="new codes held near the old codes of the same documents in training",
    baseline="the same start from old codes, trained without them",
    metric="nDCG@10 of new queries on old codes, mean of four collections",
    roles=COLLECTIONS,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("compression/codecs/recurrent_binary.py", "compression/codecs/recurrence.py"),
)
