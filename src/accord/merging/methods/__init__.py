"""Ways of merging weights that look at no data, one a file.

| | what it keeps of each change | how changes come together |
|---|---|---|
| :class:`Linear` | all | the weighted mean of the models; no base |
| :class:`Slerp`, :class:`NuSlerp` | all | a point on the arc between two |
| :class:`Karcher`, :class:`MultiSlerp` | all | a mean of directions, of any number |
| :class:`TaskArithmetic` | all | sum |
| :class:`Ties` | the largest | elected sign, mean of those that agree |
| :class:`DareLinear`, :class:`DareTies` | at random, rescaled | sum; election |
| :class:`DellaLinear`, :class:`Della` | at random, the larger the likelier, rescaled | sum; election |
| :class:`Breadcrumbs`, :class:`BreadcrumbsTies` | neither the largest nor the smallest | sum; election |
| :class:`SCE` | where experts differ | election, experts weighed by energy |
| :class:`ModelStock` | all | their mean, drawn back towards the base |
| :class:`TSVM`, :class:`IsoC` | leading singular vectors; all | made orthogonal; spectrum made flat |

Methods that drop at random draw from the seed, the number of the expert, the tensor's name and the element's place,
so a merge can be repeated, in any order and in pieces of any size. All arithmetic is in float32, angles in float64.
"""

from __future__ import annotations

from accord.merging.methods.breadcrumbs import Breadcrumbs
from accord.merging.methods.breadcrumbs_ties import BreadcrumbsTies
from accord.merging.methods.dare_linear import DareLinear
from accord.merging.methods.dare_ties import DareTies
from accord.merging.methods.della import Della
from accord.merging.methods.della_linear import DellaLinear
from accord.merging.methods.iso_c import IsoC
from accord.merging.methods.karcher import Karcher
from accord.merging.methods.linear import Linear
from accord.merging.methods.model_stock import ModelStock
from accord.merging.methods.multislerp import MultiSlerp
from accord.merging.methods.nuslerp import NuSlerp
from accord.merging.methods.sce import SCE
from accord.merging.methods.slerp import Slerp
from accord.merging.methods.task_arithmetic import TaskArithmetic
from accord.merging.methods.ties import Ties
from accord.merging.methods.tsv_m import TSVM

__all__ = [
    "Breadcrumbs",
    "BreadcrumbsTies",
    "DareLinear",
    "DareTies",
    "Della",
    "DellaLinear",
    "IsoC",
    "Karcher",
    "Linear",
    "ModelStock",
    "MultiSlerp",
    "NuSlerp",
    "SCE",
    "Slerp",
    "TSVM",
    "TaskArithmetic",
    "Ties",
]
