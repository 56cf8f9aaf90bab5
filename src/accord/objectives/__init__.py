"""Objectives: tensors in, a scalar out.

An objective knows no model, no tokenizer and no device. The names of the parameters of its `forward` are its contract:
they are matched to what the signal provides before the first step (:data:`accord.objectives.base.FIELDS`).

How to choose:

- pairs of texts that belong together -> :class:`InfoNCE`;
- texts with class labels -> :class:`SupCon`;
- pairs with graded scores -> :class:`CoSENT`.
"""

from accord.objectives.contrastive.info_nce import InfoNCE
from accord.objectives.contrastive.sup_con import SupCon
from accord.objectives.regression.cosent import CoSENT

__all__ = ["CoSENT", "InfoNCE", "SupCon"]
