"""Balancing: what each task counts for in a step.

A balanced step takes a batch of every task, the same that a joint run with mixed batches takes, and moves the weights
once, by a weighted sum of the tasks' gradients; weights of 1 are the joint step. The ways differ in what they look at:

- **Inner products of gradients.** :class:`Aggregated` stands for every aggregator of TorchJD, by the name of its class:
  ``balance: UPGrad`` takes a direction that harms no task, `PCGrad` takes conflicting parts out of each gradient,
  `MGDA` takes the shortest sum, `CAGrad` stays near the mean, `IMTLG` and `AlignedMTL` treat tasks of any scale alike.
  :class:`GradNorm` learns weights under which all tasks learn at one pace. These go back once a task, which costs
  little more than a joint step, and keep T x parameters numbers (T tasks); with `every: k` the weights of `Aggregated`
  are found anew every k steps only.
- **Losses.** :class:`Uncertainty` learns a variance for each task, :class:`DynamicAverage` looks at how fast losses
  fall. A step costs what a joint one does, and nothing is kept.
- **Flatness.** :class:`FlatRegions` goes back twice a task, at the weights and a little uphill, and balances what leads
  to a low loss and what leads to a flat one by themselves, each with any of the others.

Weights that an objective brings along, such as proxies of classes, are of one task only and get that task's gradient as
in a joint step. Whether balancing helps is a question for measurement: where gradients do not conflict, joint training
is as good and cheaper.
"""

from accord.training.balance.aggregated import Aggregated
from accord.training.balance.dynamic_average import DynamicAverage
from accord.training.balance.flat_regions import FlatRegions
from accord.training.balance.grad_norm import GradNorm
from accord.training.balance.uncertainty import Uncertainty

__all__ = ["Aggregated", "DynamicAverage", "FlatRegions", "GradNorm", "Uncertainty"]
