"""Pairs made from texts alone: what to train on when nobody has said yet what belongs together.

Each maker takes :class:`~accord.data.Unlabelled` texts and gives :class:`~accord.data.Pairs`; in a recipe it is the key
`synthesis` of a task.

| maker | anchor | positive | for |
|---|---|---|---|
| `RandomCrops` | a random span | another random span of the same text | dense retrieval without labels; the default |
| `InverseCloze` | a sentence | the passage around it, mostly without the sentence | questions answered by a passage |
| `BodyFirst` | a sentence of the lead | a passage of the body | long documents whose lead sums them up |
| `Twins` | the text | the text, under another dropout | similarity of sentences, without any label |
| `VisualNoise` | the text | the text as a hurried or hostile writer spells it | robustness to typos and look-alikes |

Pairs of one document carry its id as their `label`, so that ``InfoNCE(mask=["text", "label"])`` does not take two spans
of one document for negatives of each other.
"""

from accord.data.synthesis.base import Synthesis
from accord.data.synthesis.body_first import BodyFirst
from accord.data.synthesis.inverse_cloze import InverseCloze
from accord.data.synthesis.random_crops import RandomCrops
from accord.data.synthesis.twins import Twins
from accord.data.synthesis.visual_noise import VisualNoise

__all__ = ["BodyFirst", "InverseCloze", "RandomCrops", "Synthesis", "Twins", "VisualNoise"]
