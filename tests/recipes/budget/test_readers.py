"""What tasks see of a configuration, against codecs and stores themselves."""

import numpy as np
import pytest
from tiny_models import tiny_encoder

from accord.compression.codecs import Float16, Int8, RotatedSign
from accord.core.types import Ranks, View
from accord.evaluation import Reranking, Retrieval, Similarity
from accord.recipes.budget.costs import document_bytes, model_bytes
from accord.recipes.budget.readers import Codecs, Unfitted, reader_of
from accord.recipes.budget.sizes import Configuration, backends, codecs_of, read_size, sizes_of
from accord.recipes.budget.vectors import Vectors
from accord.retrieval import Store

WORDS = (
    "read",
    "write",
    "open",
    "close",
    "sort",
    "send",
    "parse",
    "join",
    "split",
    "copy",
    "file",
    "row",
    "list",
    "name",
)
DOCUMENTS = [f"{a} the {b} number {n}" for n, (a, b) in enumerate((a, b) for a in WORDS for b in WORDS if a != b)]
QUERIES = [f"how to {a} a {b}" for a, b in zip(WORDS, WORDS[3:])]
SPECS = {"Float16": Float16, "Int8": Int8, "RotatedSign": RotatedSign}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    encoder = tiny_encoder(seed=3)
    vectors = {"float32": Vectors(encoder, [View(), View(layer=1, dim=16)], "float32", tmp_path_factory.mktemp("v"))}
    return encoder, vectors, Codecs(vectors, [(None, DOCUMENTS)], seed=0)


def config_of(codec="float32", *, view=View(), rescore=False):  # noqa: B008
    return Configuration(view, "x", "float32", codec, {} if codec == "float32" else {codec: {}}, rescore)


def ranked(reader, k=10, **more):
    order = np.arange(len(DOCUMENTS))
    return reader.rank_texts(QUERIES, DOCUMENTS, k, order=order, **more)


@pytest.mark.parametrize("codec", ["Float16", "Int8", "RotatedSign"])
@pytest.mark.parametrize("rescore", [False, True])
def test_searches_are_those_of_a_store(made, codec, rescore, tmp_path):
    encoder, vectors, codecs = made
    reader = reader_of(config_of(codec, rescore=rescore), Retrieval(), vectors, codecs)
    found = ranked(reader)
    way = "float16" if rescore else "none"
    fitted = codecs.fitted(config_of(codec))
    with Store.create(tmp_path / "store", model={"name": "m"}, dim=encoder.dim, codec=fitted, rescore=way) as store:
        records = [{"id": f"{n:04d}", "text": text} for n, text in enumerate(DOCUMENTS)]
        with store.write() as writer:
            writer.add(records, encoder.encode_document(DOCUMENTS))
        ids, _ = store.search_vectors(encoder.encode_query(QUERIES), k=10)
    assert [[f"{n:04d}" for n in line] for line in found] == ids


def test_without_a_codec_a_search_is_exact(made):
    encoder, vectors, codecs = made
    reader = reader_of(config_of(), Retrieval(), vectors, codecs)
    assert isinstance(reader, Ranks)
    scores = encoder.encode_query(QUERIES) @ encoder.encode_document(DOCUMENTS).T
    np.testing.assert_array_equal(ranked(reader, 1)[:, 0], scores.argmax(axis=1))


@pytest.mark.parametrize("codec", ["float32", "Int8"])
def test_what_is_left_out_is_not_found_and_the_next_moves_up(made, codec):
    _, vectors, codecs = made
    reader = reader_of(config_of(codec), Retrieval(), vectors, codecs)
    free = ranked(reader, 4)
    kept = ranked(reader, 3, leave_out=free[:, 1])
    np.testing.assert_array_equal(kept, free[:, [0, 2, 3]])


def test_roles(made):
    encoder, vectors, codecs = made
    config = config_of("RotatedSign")
    stored = codecs.fitted(config).decode(codecs.fitted(config).encode(encoder.encode(QUERIES)))
    asymmetric = reader_of(config, Reranking(), vectors, codecs)
    np.testing.assert_allclose(asymmetric.encode_query(QUERIES), encoder.encode_query(QUERIES), atol=1e-6)
    np.testing.assert_allclose(asymmetric.encode_document(QUERIES), stored, atol=1e-6)
    assert asymmetric.similarity_name == "dot"
    symmetric = reader_of(config, Similarity(), vectors, codecs)
    np.testing.assert_allclose(symmetric.encode_query(QUERIES), stored, atol=1e-6)
    assert symmetric.similarity_name == "cosine"


def test_with_rescoring_other_tasks_than_searches_read_float16(made):
    _, vectors, codecs = made
    reader = reader_of(config_of("RotatedSign", rescore=True), Similarity(), vectors, codecs)
    assert reader.config.codec == "Float16"
    same = reader_of(config_of("Float16"), Similarity(), vectors, codecs)
    assert reader.fingerprint() == same.fingerprint()  # so it is measured once


def test_fingerprints_differ_where_answers_do(made):
    _, vectors, codecs = made
    configs = [config_of(), config_of("Int8"), config_of("Int8", view=View(1, 16)), config_of("Int8", rescore=True)]
    prints = {reader_of(c, Retrieval(), vectors, codecs).fingerprint() for c in configs}
    assert len(prints) == len(configs)


def test_a_codec_that_needs_more_texts_says_so(made):
    _, vectors, _ = made
    few = Codecs(vectors, [(None, DOCUMENTS[:1])], seed=0)
    spec = {"PCA": {"dim": 4}}
    with pytest.raises(Unfitted):
        few.fitted(Configuration(View(), "x", "float32", "PCA(dim=4)", spec))


def test_bytes(made, tmp_path):
    encoder, _, codecs = made
    fitted = codecs.fitted(config_of("Int8"))
    assert document_bytes(config_of(), 32, None) == (128, 128)
    assert document_bytes(config_of("Int8"), 32, fitted) == (32, 32)
    assert document_bytes(config_of("Int8", rescore=True), 32, fitted) == (32, 96)
    for view in (View(), View(layer=1), View(layer=2, dim=8)):
        small = encoder.cut(view)
        small.save(tmp_path / str(view.layer))
        written = sum(path.stat().st_size for path in (tmp_path / str(view.layer)).rglob("*.safetensors"))
        assert model_bytes(small) == pytest.approx(written, rel=0.05)  # headers are the rest


def test_sizes_that_a_model_was_trained_for():
    shape = sizes_of.__globals__["Shape"](6, 384)
    recipe = {"recipe": {"train": {"elastic": {"Starbucks": {"sizes": [[4, 256], [2, 128]]}}}}}
    assert list(sizes_of(shape, recipe)) == ["6x384", "4x256", "2x128"]
    assert list(sizes_of(shape, {"recipe": {"train": {"sizes": [256, 128]}}})) == ["6x384", "6x256", "6x128"]
    assert next(iter(sizes_of(shape, {"recipe": {"train": {"elastic": "Matryoshka"}}}))) == "6x384"
    assert list(sizes_of(shape, recipe, [read_size("3x96")])) == ["6x384", "3x96"]


def test_usual_codecs_can_be_made():
    assert all(name in SPECS or name in {"PCA", "RaBitQ"} for spec, _ in codecs_of(384) for name in spec)
    assert backends(tiny_encoder())[0] == "float32"
    assert codecs_of(64, ["int8"]) == [({"Int8": {}}, False), ({"Int8": {}}, True)]
