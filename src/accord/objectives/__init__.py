"""Objectives: tensors in, a scalar out.

An objective knows no model, no tokenizer and no device. The names of the parameters of its `forward` are its contract:
they are matched to what the signal provides before the first step (:data:`accord.objectives.base.FIELDS`).

How to choose:

- pairs of texts that belong together -> :class:`InfoNCE`;
- pairs or lists with negatives of their own -> :class:`InfoNCE`, :class:`Triplet`;
- texts with class labels -> :class:`SupCon`, :class:`BatchHardTriplet`, or any loss of pytorch-metric-learning by
  :class:`MetricLearning`;
- pairs with graded scores -> :class:`CoSENT`, :class:`AnglE`; with 0 and 1 -> :class:`ContrastivePairs`,
  :class:`BinaryCrossEntropy`;
- lists with grades -> :class:`LambdaLoss`, :class:`ListNet`;
- texts alone -> :class:`InfoNCE` on pairs made of them, :class:`MaskedTokens`, :class:`BagOfTokens`;
- a teacher -> :class:`ListKL` and :class:`MarginMSE` for lists, :class:`BatchKL` for pairs without negatives,
  :class:`PairMSE` for single pairs, :class:`TeacherOrder` where only its order is to be trusted,
  :class:`VectorDistillation` for its vectors, :class:`FeatureAlignment` and :class:`TokenRelations` for what lies below
  them.
"""

from accord.objectives.adapters.metric_learning import MetricLearning
from accord.objectives.classification.binary_cross_entropy import BinaryCrossEntropy
from accord.objectives.classification.cross_entropy import CrossEntropy
from accord.objectives.contrastive.batch_all_triplet import BatchAllTriplet
from accord.objectives.contrastive.batch_hard_triplet import BatchHardTriplet
from accord.objectives.contrastive.contrastive_pairs import ContrastivePairs
from accord.objectives.contrastive.info_nce import InfoNCE
from accord.objectives.contrastive.mega_batch_margin import MegaBatchMargin
from accord.objectives.contrastive.semi_hard_triplet import SemiHardTriplet
from accord.objectives.contrastive.sup_con import SupCon
from accord.objectives.contrastive.triplet import Triplet
from accord.objectives.distillation.feature_alignment import FeatureAlignment
from accord.objectives.distillation.margin_mse import MarginMSE
from accord.objectives.distillation.pair_head import PairHead
from accord.objectives.distillation.pair_mse import PairMSE
from accord.objectives.distillation.score_kl import BatchKL, ListKL
from accord.objectives.distillation.similarity_distillation import SimilarityDistillation
from accord.objectives.distillation.teacher_order import TeacherOrder
from accord.objectives.distillation.token_relations import TokenRelations
from accord.objectives.distillation.vector_distillation import VectorDistillation
from accord.objectives.pretext.bag_of_tokens import BagOfTokens
from accord.objectives.pretext.masked_tokens import MaskedTokens
from accord.objectives.proxies.fixed_targets import FixedTargets
from accord.objectives.ranking.adr_mse import ADRMSE
from accord.objectives.ranking.lambda_loss import LambdaLoss
from accord.objectives.ranking.list_mle import ListMLE
from accord.objectives.ranking.list_net import ListNet
from accord.objectives.ranking.rank_net import RankNet
from accord.objectives.regression.angle import AnglE
from accord.objectives.regression.cosent import CoSENT
from accord.objectives.regression.cosine_regression import CosineRegression

__all__ = [
    "ADRMSE",
    "AnglE",
    "BagOfTokens",
    "BatchAllTriplet",
    "BatchHardTriplet",
    "BatchKL",
    "BinaryCrossEntropy",
    "CoSENT",
    "ContrastivePairs",
    "CosineRegression",
    "CrossEntropy",
    "FeatureAlignment",
    "FixedTargets",
    "InfoNCE",
    "LambdaLoss",
    "ListKL",
    "ListMLE",
    "ListNet",
    "MarginMSE",
    "MaskedTokens",
    "MegaBatchMargin",
    "MetricLearning",
    "PairHead",
    "PairMSE",
    "RankNet",
    "SemiHardTriplet",
    "SimilarityDistillation",
    "SupCon",
    "TeacherOrder",
    "TokenRelations",
    "Triplet",
    "VectorDistillation",
]
