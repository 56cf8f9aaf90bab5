"""Training: one loop for many tasks.

A step takes one batch of one task, encodes it in chunks of like length, takes the loss of the full batch and moves the
weights once; with mixed batches it takes a share of its examples from every task. Several processes share each batch.
Checkpoints are whole or absent, and a resumed run ends with the same bits as one that never stopped.
"""

from accord.training.averaging import EMA, Last
from accord.training.loop import TrainingResult, train
from accord.training.optimizers import AdamW
from accord.training.schedules import Constant, Cosine, Linear
from accord.training.settings import EarlyStopping, Settings, TrainingTask
from accord.training.trackers import TensorBoard, Tracked, WandB

__all__ = [
    "AdamW",
    "Constant",
    "Cosine",
    "EMA",
    "EarlyStopping",
    "Last",
    "Linear",
    "Settings",
    "TensorBoard",
    "Tracked",
    "TrainingResult",
    "TrainingTask",
    "WandB",
    "train",
]
