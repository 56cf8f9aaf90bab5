"""Which reader turns a task into batches for a model."""

from __future__ import annotations

from accord.core.errors import InputError
from accord.data.streams import Stream
from accord.objectives.base import contract, unwrapped
from accord.training.base import TaskData
from accord.training.fields import reads_features, token_form
from accord.training.settings import TrainingTask

__all__ = ["read_task"]


def read_task(task: TrainingTask, model: object, *, batch: int, seed: int) -> TaskData:
    """The batches of a task, in the form that `model` takes.

    Args:
        task: what to learn.
        model: a text encoder, with layers or static, or a cross-encoder.
        batch: examples a batch.
        seed: of the order of rows.

    Raises:
        InputError: a model of a kind that training does not know, or an objective that does not fit the signal.
    """
    from accord.compression.elastic.base import ElasticObjective
    from accord.encoders.pairs.cross_encoder import CrossEncoder
    from accord.encoders.static import StaticEncoder
    from accord.encoders.text.transformer import TextEncoder
    from accord.training.features import TaskFeatures
    from accord.training.pairs import TaskPairs
    from accord.training.streams import TaskStream
    from accord.training.texts import TaskTexts
    from accord.training.tokens import TaskTokens

    elastic = isinstance(task.objective, ElasticObjective)
    if elastic and (isinstance(model, CrossEncoder) or reads_features(contract(task.objective))):
        what = (
            "a cross-encoder gives scores and no vectors"
            if isinstance(model, CrossEncoder)
            else (f"{type(unwrapped(task.objective)).__name__} reads what lies below the vectors")
        )
        raise InputError(f"Task `{task.name}`: {what}, so there are no sizes to train. Leave the sizes out.")
    if isinstance(model, (TextEncoder, StaticEncoder)) and reads_features(contract(task.objective)):
        return TaskFeatures(task, model, batch=batch, seed=seed)
    if isinstance(model, (TextEncoder, StaticEncoder)) and isinstance(task.signal, Stream):
        return TaskStream(task, model, batch=batch, seed=seed, ahead=model.device.type != "cpu")
    if isinstance(model, (TextEncoder, StaticEncoder)) and token_form(contract(task.objective)) is not None:
        return TaskTokens(task, model, batch=batch, seed=seed)
    if isinstance(model, (TextEncoder, StaticEncoder)):
        return TaskTexts(task, model, batch=batch, seed=seed)
    if isinstance(model, CrossEncoder):
        return TaskPairs(task, model, batch=batch, seed=seed)
    raise InputError(f"Training takes an encoder or a CrossEncoder. Got {type(model).__name__} instead.")
