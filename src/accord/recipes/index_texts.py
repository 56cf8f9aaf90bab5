"""Index a file of texts: encode what the store does not hold yet, some thousand rows a commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from accord.compression.codecs import Codec, FittedCodec
from accord.compression.codecs.base import codec_of, settings_of
from accord.compression.codecs.folder import identity
from accord.compression.codecs.folder import load as load_codec
from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.core.interrupts import Interrupted
from accord.core.progress import Advance, Progress, silent
from accord.encoders import load
from accord.encoders.engines import PRECISIONS
from accord.recipes.corpora import SEED, Corpus, EmbeddedCorpus, Model, Part, TextCorpus
from accord.retrieval import Store, StoreStats
from accord.retrieval import open as open_store
from accord.retrieval.dense import HNSW, IVF
from accord.retrieval.dense.base import faiss_library
from accord.retrieval.files.columns import RESCORE
from accord.retrieval.files.schema import DATABASE
from accord.retrieval.lexical import Analyser
from accord.retrieval.questions import model_record
from accord.retrieval.sidecars import read_settings

__all__ = ["Indexed", "index_file"]

logger = logging.getLogger(__name__)

COMMIT = 2048
"""Rows of one commit: what an interruption may cost."""
SAMPLE = 10_000
"""Texts that a codec is fitted on, at most."""


@dataclass(frozen=True)
class Indexed:
    """What :func:`index_file` did.

    Args:
        path: of the store.
        rows: of the file that have a text or a title.
        chunks: that they were cut into; as many as rows where they were not.
        added: documents that are new.
        changed: documents whose text, title or metadata differed from the store's.
        unchanged: documents that were there already; they were not encoded.
        removed: chunks that their texts no longer have.
        left_out: rows without a text or a title.
        stats: what the store takes now.
    """

    path: str
    rows: int
    chunks: int
    added: int
    changed: int
    unchanged: int
    removed: int
    left_out: int
    stats: StoreStats


def index_file(  # noqa: PLR0913 -- what the command line has
    model: str,
    source: Path | str,
    out: Path | str,
    *,
    codec: FittedCodec | Codec | Path | str | None = None,
    rescore: str = "float16",
    analyser: Analyser | str | None = None,
    ann: HNSW | IVF | str | None = None,
    column: str = "text",
    chunk: str | None = None,
    prompt: str | None = None,
    precision: str = "float32",
    progress: Progress = silent,
) -> Indexed:
    """Encode the texts of a file into a store, or bring a store up to date with the file.

    What was committed is not encoded again, after an interruption as after a change of the file: a row whose document
    is in the store as it is costs nothing, a row that differs replaces its document. Documents that the file does not
    name stay. A title is encoded before its text, as it is when retrieval is evaluated.

    Args:
        model: what :func:`accord.load` takes.
        source: JSONL(.gz), CSV, TSV or Parquet. A column `id` (or `_id`) names the documents, else their number does;
            `title` is their title, which also stands for a text that is missing, and every other column is metadata.
            Or a folder that `accord embed` made with the same model: then nothing is encoded, and `column` and
            `precision` are what they were there.
        out: the store; made when it is not there.
        codec: a codec's folder, a fitted codec, or one to fit on a sample of up to 10,000 of the texts: settings, or
            their name as ``"Int8"`` or ``"Int8: {tail: 0.001}"``.
        rescore: with a codec: "float16", "float32" or "none", as for :meth:`accord.retrieval.Store.create`.
        analyser: how texts become terms for searches by words: an analyser, or "unicode61" (which a new store has when
            this is not given), "porter" or "trigram".
        ann: makes an index for approximate search at the end: HNSW(...), IVF(...), or their name as for `codec`.
        column: of the texts.
        chunk: "sentences:5" or "tokens:256": each text becomes several documents of at most so many sentences, or
            tokens of the model. Their metadata say which text they come from (`parent`), which part of it they are
            (`chunk`, from 0), and where it lies (characters `start` to `end`); each keeps the title and the other
            columns. Search such a store by :func:`accord.retrieval.best_of_parents` where texts are wanted.
        prompt: name of one of the model's prompts; its document prompt when not given.
        precision: "float32", "bfloat16" or "auto".
        progress: opens the bar.

    Returns:
        What was done, and what the store takes.

    Raises:
        InputError: an unknown column or codec, an id that is there twice, or a store of another model or codec.
        MissingExtra: `ann` without FAISS.
        Interrupted: by Ctrl-C; the commits before it stand.
    """
    check_choice("rescore", rescore, RESCORE)
    check_choice("precision", precision, PRECISIONS)
    index = None if ann is None else read_settings(ann)
    if index is not None:
        faiss_library()
    encoder = load(model)
    corpus = _corpus(Path(source), encoder, column=column, chunk=chunk, prompt=prompt, precision=precision)
    record = _record(model, encoder, corpus)
    words = Analyser(analyser) if isinstance(analyser, str) else analyser

    def sample() -> np.ndarray:
        return corpus.sample(SAMPLE, progress)

    with _opened(Path(out), record, encoder, codec, rescore, words, sample) as store:
        try:
            with progress("index", total=len(corpus), unit="texts") as advance:
                done = np.sum([_commit(store, part, advance) for part in corpus.parts(COMMIT)], axis=0)
            removed = _remove_stale(store, corpus.chunks)
        except KeyboardInterrupt as stop:
            raise Interrupted(f"Interrupted: {len(store):,} documents are in {out}. Run it again to go on.") from stop
        added, changed = done.tolist()
        if (others := len(store) - len(corpus)) > 0:
            logger.warning("%s also holds %d document(s) that %s does not name; they stay", out, others, source)
        unchanged = len(corpus) - added - changed
        if index is not None and len(store):
            store.build_index(index, progress=progress)
        stats = store.stats()
        return Indexed(str(out), corpus.texts, len(corpus), added, changed, unchanged, removed, corpus.left_out, stats)


def _corpus(
    source: Path, encoder: Model, *, column: str, chunk: str | None, prompt: str | None, precision: str
) -> Corpus:
    if source.is_dir():
        return EmbeddedCorpus(source, encoder, chunk=chunk, prompt=prompt)
    return TextCorpus(source, encoder, column=column, chunk=chunk, prompt=prompt, precision=precision)


def _commit(store: Store, part: Part, advance: Advance) -> tuple[int, int]:
    """Bring some rows into the store; returns how many were added and how many changed."""
    fresh = [n for n, held in enumerate(store.holds(part.records)) if not held]
    advance(len(part.records) - len(fresh))
    if not fresh:
        return 0, 0
    wanted = [part.records[n] for n in fresh]
    vectors = part.vectors(fresh, advance)
    older = [record["id"] for record in wanted if record["id"] in store]
    with store.write() as writer:
        writer.delete(older)
        writer.add(wanted, vectors)
    return len(fresh) - len(older), len(older)


def _remove_stale(store: Store, counts: Mapping[str, int]) -> int:
    """Delete the chunks that shorter texts no longer have; returns how many there were."""
    stale = []
    for parent, count in counts.items():
        while (name := f"{parent}#{count}") in store:
            stale.append(name)
            count += 1
    if stale:
        with store.write() as writer:
            writer.delete(stale)
    return len(stale)


def _record(model: str, encoder: Model, corpus: Corpus) -> dict[str, Any]:
    """What a store says about the model, and about how texts were cut."""
    return {
        **model_record(encoder, model),
        "document_prompt": corpus.prompt,
        **({} if corpus.chunk is None else {"chunk": corpus.chunk}),
    }


def _opened(
    path: Path,
    record: Mapping[str, Any],
    encoder: Model,
    codec: FittedCodec | Codec | Path | str | None,
    rescore: str,
    analyser: Analyser | None,
    sample: Callable[[], np.ndarray],
) -> Store:
    """The store, made where there is none; one that is there keeps its codec."""
    settings = _settings(codec)
    if not (path / DATABASE).is_file():
        if settings is not None:
            fingerprint, similarity = encoder.fingerprint(), encoder.similarity_name
            codec = settings.fit(sample(), similarity=similarity, seed=SEED, made_for=fingerprint)
        assert not isinstance(codec, Codec)
        return Store.create(path, model=record, codec=codec, rescore=rescore, analyser=analyser)
    store = open_store(path)
    try:
        if analyser is not None and repr(analyser) != repr(store.analyser):
            raise InputError(f"{path} holds a store with another analyser: {store.analyser}. Choose another folder.")
        _check_store(store, record, codec if settings is None else settings, rescore)
    except BaseException:
        store.close()
        raise
    return store


def _settings(codec: FittedCodec | Codec | Path | str | None) -> Codec | None:
    """A codec that has still to be fitted."""
    if isinstance(codec, Codec):
        return codec
    if not isinstance(codec, str) or Path(codec).is_dir():
        return None
    try:
        spec = yaml.safe_load(codec)
    except yaml.YAMLError as error:
        raise InputError(
            f"`codec` must be a folder, `Class` or `Class: {{argument: value}}`. Got {codec!r}."
        ) from error
    return codec_of(spec, "codec")


def _check_store(
    store: Store, record: Mapping[str, Any], codec: FittedCodec | Codec | Path | str | None, rescore: str
) -> None:
    """Refuse to go on with a store that was made otherwise.

    Raises:
        InputError: names what differs.
    """
    wanted = load_codec(codec) if isinstance(codec, (str, Path)) else codec
    held = store.codec
    keys = ("fingerprint", "dim", "similarity", "document_prompt", "chunk")
    pairs: list[tuple[str, Any, Any]] = [(key, store.record.get(key), record.get(key)) for key in keys]
    if isinstance(wanted, FittedCodec):
        pairs.append(("codec", held and identity(held), identity(wanted)))
    elif wanted is not None:
        asked = (type(wanted).__name__, settings_of(wanted))
        pairs.append(("codec", held and (held.kind, dict(held.settings)), asked))
    if wanted is not None:
        pairs.append(("rescore", store.stats().rescore, rescore))
    for name, found, asked in pairs:
        if found != asked:
            raise InputError(
                f"{store.path} was made with another {name}: {found!r}, not {asked!r}. Choose another folder for "
                "`out`, or index with what it was made with."
            )
