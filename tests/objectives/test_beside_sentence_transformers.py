"""Our objectives beside the losses of sentence-transformers, on the same numbers, and a row for each in the table."""

import inspect
import re
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from accord import objectives as ours
from accord.maths.similarity import list_similarity, pairwise_similarity, similarity
from accord.objectives.ranking.lambda_loss import lambda_loss

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "losses.md"
LABELS = torch.tensor([0, 0, 1, 1, 2, 2])
GRADES = torch.tensor([[3.0, 2.0, 1.0, 0.0], [2.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
IGNORE = torch.tensor([[False] * 4, [False, False, False, True], [False] * 4])


@pytest.fixture(scope="module")
def dense():
    from sentence_transformers.sentence_transformer import losses

    return losses


@pytest.fixture(scope="module")
def pairwise():
    from sentence_transformers.cross_encoder import losses

    return losses


@pytest.fixture(scope="module")
def vectors():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(6, 8, generator=generator) for _ in range(4)]


class Table:
    """A cross-encoder whose scores are given: query i with document k of its list."""

    num_labels = 1
    device = torch.device("cpu")

    def __init__(self, scores):
        self.scores = scores

    def preprocess(self, pairs, **options):
        return {"rows": torch.tensor([[int(i), int(k)] for i, k in pairs])}

    def __call__(self, batch):
        return {"scores": self.scores[batch["rows"][:, 0], batch["rows"][:, 1]]}


def listed(loss, grades=GRADES, ignore=IGNORE):
    """A loss over lists of sentence-transformers, on the places that are not ignored."""
    kept = [(~out).nonzero()[:, 0] for out in ignore]
    queries = [str(i) for i in range(len(kept))]
    return loss([queries, [[str(int(k)) for k in row] for row in kept]], [g[k] for g, k in zip(grades, kept)])


def scores_of(seed=0):
    return torch.randn(3, 4, generator=torch.Generator().manual_seed(seed))


# ------------------------------------------------------------------------------------------------ dense


def test_in_batch_negatives(dense, vectors):
    query, right, wrong, _ = vectors
    docs = similarity(query, torch.cat([right, wrong]))
    plain = dense.MultipleNegativesRankingLoss(nn.Identity(), scale=20.0)
    torch.testing.assert_close(
        ours.InfoNCE(temperature=0.05)(docs), plain.compute_loss_from_embeddings([query, right, wrong], None)
    )
    options = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
    both = dense.MultipleNegativesRankingLoss(nn.Identity(), scale=20.0, **options)
    torch.testing.assert_close(
        ours.InfoNCE(temperature=0.05, bidirectional=True)(docs[:, :6]),
        both.compute_loss_from_embeddings([query, right], None),
    )
    harder = dense.MultipleNegativesRankingLoss(nn.Identity(), hardness_mode="all_negatives", hardness_strength=3.0)
    torch.testing.assert_close(
        ours.InfoNCE(hardness=3.0)(docs), harder.compute_loss_from_embeddings([query, right, wrong], None)
    )


def test_triplets_and_margins(dense, vectors):
    query, right, wrong, _ = vectors
    lists = torch.stack([right, wrong], dim=1)
    for metric, kind, margin in (("EUCLIDEAN", "euclidean", 5.0), ("COSINE", "cosine", 0.5)):
        there = dense.TripletLoss(nn.Identity(), getattr(dense.TripletDistanceMetric, metric), margin)
        torch.testing.assert_close(
            ours.Triplet(margin=margin)(list_similarity(query, lists, kind=kind)),
            there.compute_loss_from_embeddings([query, right, wrong], None),
        )
    mega = dense.MegaBatchMarginLoss(nn.Identity(), use_mini_batched_version=False)
    torch.testing.assert_close(
        ours.MegaBatchMargin()(similarity(query, right)), mega.calculate_loss([[query], [right]])
    )


@pytest.mark.parametrize(("metric", "kind"), [("euclidean_distance", "euclidean"), ("cosine_distance", "cosine")])
def test_triplets_of_a_labelled_batch(dense, vectors, metric, kind):
    x = vectors[0]
    distance = getattr(dense.BatchHardTripletLossDistanceFunction, metric)
    pairs = [
        (ours.BatchHardTriplet(margin=2.0, similarity=kind), dense.BatchHardTripletLoss),
        (ours.SemiHardTriplet(margin=2.0, similarity=kind), dense.BatchSemiHardTripletLoss),
        (ours.BatchAllTriplet(margin=2.0, similarity=kind), dense.BatchAllTripletLoss),
    ]
    for mine, kind_there in pairs:
        there = kind_there(nn.Identity(), distance_metric=distance, margin=2.0)
        torch.testing.assert_close(mine(x, LABELS), there.compute_loss_from_embeddings([x], LABELS))
    soft = dense.BatchHardSoftMarginTripletLoss(nn.Identity(), distance_metric=distance)
    mine = ours.BatchHardTriplet(margin=None, similarity=kind)
    torch.testing.assert_close(mine(x, LABELS), soft.compute_loss_from_embeddings([x], LABELS))


def test_scores_of_pairs(dense, vectors):
    left, right = vectors[:2]
    cosines, gold = pairwise_similarity(left, right), torch.tensor([0.0, 0.2, 0.5, 0.5, 0.9, 1.0])
    binary = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    pairs = [
        (ours.CoSENT()(cosines, gold), dense.CoSENTLoss(nn.Identity()), gold),
        (ours.AnglE()(torch.stack([left, right]), gold), dense.AnglELoss(nn.Identity()), gold),
        (ours.CosineRegression()(cosines, gold), dense.CosineSimilarityLoss(nn.Identity()), gold),
        (ours.ContrastivePairs()(cosines, binary), dense.ContrastiveLoss(nn.Identity()), binary),
    ]
    for mine, there, labels in pairs:
        torch.testing.assert_close(mine, there.compute_loss_from_embeddings([left, right], labels))
    odd = torch.stack([left[:, :7], right[:, :7]])
    torch.testing.assert_close(
        ours.AnglE()(odd, gold), dense.AnglELoss(nn.Identity()).compute_loss_from_embeddings(list(odd), gold)
    )


def test_only_hard_pairs(dense, vectors):
    """There a sum of squares, here half their mean."""
    left, right = vectors[:2]
    labels = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    distances = 1 - pairwise_similarity(left, right)
    far, near = distances[labels == 1].max(), distances[labels == 0].min()
    chosen = torch.where(labels == 1, distances > near, distances < far).sum()
    mine = ours.ContrastivePairs(hard=True)(1 - distances, labels)
    there = dense.OnlineContrastiveLoss(nn.Identity()).compute_loss_from_embeddings([left, right], labels)
    torch.testing.assert_close(mine * 2 * chosen, there)


def test_teachers(dense, vectors):
    query, *documents = vectors
    dots = list_similarity(query, torch.stack(documents, dim=1), kind="dot")
    taught = torch.randn(6, 3, generator=torch.Generator().manual_seed(5))
    margins = dense.MarginMSELoss(nn.Identity())
    torch.testing.assert_close(ours.MarginMSE()(dots, taught), margins.compute_loss_from_embeddings(vectors, taught))
    for options in ({"temperature": 2.0}, {"temperature": 0.5, "teacher_temperature": 3.0}):
        there = dense.DistillKLDivLoss(nn.Identity(), **options)
        torch.testing.assert_close(
            ours.ListKL(**options)(dots, taught), there.compute_loss_from_embeddings(vectors, taught)
        )
    x, t = torch.stack(vectors[:2]), torch.stack(vectors[2:])
    for distance in ("cosine", "mse", "l2"):
        there = dense.EmbedDistillLoss(nn.Identity(), distance_metric=distance)
        torch.testing.assert_close(
            ours.VectorDistillation(distance=distance)(x, t), there.compute_loss_from_embeddings(list(x), list(t))
        )


def test_a_guide(dense, vectors):
    """GISTEmbed's masks, with documents alone as negatives."""

    def mask(guided, scores, margin, strategy):
        right = guided.diagonal()[:, None]
        limit = right - margin if strategy == "absolute" else right - right.abs() * margin
        return scores.masked_fill((guided > limit) & ~torch.eye(*scores.shape, dtype=torch.bool), -torch.inf)

    query, right, guide_query, guide_right = vectors
    scores, guided = similarity(query, right), similarity(guide_query, guide_right)
    for strategy in ("absolute", "relative"):
        mine = ours.InfoNCE(temperature=0.01, guide_margin=0.1, guide_strategy=strategy)
        there = nn.functional.cross_entropy(mask(guided, scores, 0.1, strategy) / 0.01, torch.arange(6))
        torch.testing.assert_close(mine(scores, None, guided), there)
    source = inspect.getsource(dense.GISTEmbedLoss.forward)
    assert "guided_sim_mat > (guided_sim - self.margin)" in source
    assert "guided_sim_mat > (guided_sim - guided_sim.abs() * self.margin)" in source


# ------------------------------------------------------------------------------------------------ lists


def test_list_losses(pairwise):
    scores = scores_of()
    model = Table(scores)
    torch.testing.assert_close(ours.ListNet()(scores, GRADES, IGNORE), listed(pairwise.ListNetLoss(model)))
    torch.testing.assert_close(ours.ADRMSE()(scores, GRADES, IGNORE), listed(pairwise.ADRMSELoss(model)))
    bits = listed(pairwise.RankNetLoss(model)) * torch.tensor(2.0).log()
    torch.testing.assert_close(ours.RankNet()(scores, GRADES, IGNORE), bits)


def test_likelihoods_of_an_order(pairwise):
    """Equal where no two grades are: there ties are drawn in the order of the data."""
    scores, grades = scores_of(), torch.tensor([[3.0, 2.0, 1.0, 0.0]] * 3)
    model = Table(scores)
    whole = torch.zeros(3, 4, dtype=torch.bool)
    torch.testing.assert_close(ours.ListMLE()(scores, grades), listed(pairwise.ListMLELoss(model), grades, whole))
    torch.testing.assert_close(
        ours.ListMLE(position_aware=True)(scores, grades), listed(pairwise.PListMLELoss(model), grades, whole)
    )


@pytest.mark.parametrize("top", [None, 2])
@pytest.mark.parametrize(
    ("weights", "scheme"),
    [
        ("ndcg_loss2", "NDCGLoss2Scheme"),
        ("lambda_rank", "LambdaRankScheme"),
        ("ndcg_loss2++", "NDCGLoss2PPScheme"),
    ],
)
def test_lambda_loss(pairwise, weights, scheme, top):
    for seed in range(3):
        scores = scores_of(seed)
        there = listed(pairwise.LambdaLoss(Table(scores), weighting_scheme=getattr(pairwise, scheme)(), k=top))
        torch.testing.assert_close(ours.LambdaLoss(weights=weights, top=top)(scores, GRADES, IGNORE), there)


def test_ndcg_loss1_counts_no_document_with_itself(pairwise):
    """There the mean is over n^2 pairs, with a constant for each document and itself; here over the others."""
    scores = scores_of()[:, :3].requires_grad_()
    grades, whole = GRADES[:, :3], torch.zeros(3, 3, dtype=torch.bool)
    loss = pairwise.LambdaLoss(Table(scores), weighting_scheme=pairwise.NDCGLoss1Scheme())
    (there,) = torch.autograd.grad(listed(loss, grades, whole), scores)
    (mine,) = torch.autograd.grad(lambda_loss(scores, grades, weights="ndcg_loss1"), scores)
    torch.testing.assert_close(mine * 6, there * 9)


# ------------------------------------------------------------------------------------------------ the table


def exported(package):
    """Names of the losses that a package exports; its enumerations and weighting schemes are their arguments."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        module = __import__(f"sentence_transformers.{package}.losses", fromlist=["losses"])
    return sorted(module.__all__)


@pytest.mark.parametrize("package", ["sentence_transformer", "cross_encoder", "sparse_encoder", "multi_vector_encoder"])
def test_every_loss_of_sentence_transformers_has_a_row(package):
    parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (part,) = (text for text in parts if f"`sentence_transformers.{package}`" in text.partition("\n|")[0])
    rows = [line for line in part.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == set(exported(package))


def test_what_the_table_names_exists():
    known = set(ours.__all__)
    for row in re.findall(r"^\| `.*$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE):
        for name, arguments in re.findall(r"`([A-Z]\w+)(?:\((.*?)\))?`", row.split("|")[2]):
            assert name in known, row
            asked = set(re.findall(r"(\w+)=", arguments))
            assert asked <= set(inspect.signature(getattr(ours, name)).parameters), row
