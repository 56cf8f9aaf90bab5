"""A text as a hurried or hostile writer spells it: look-alike characters, slips of the finger, words out of order."""

from __future__ import annotations

import numpy as np

from accord.core.checks import check_fraction
from accord.data.synthesis.base import Synthesis

__all__ = ["VisualNoise", "visual_noise"]

LOOK_ALIKES = {
    letters[0]: letters[1:]
    for letters in (
        *("a@áàâäα", "b8ßƅ", "cçćс", "dďԁ", "e3éèêëе", "fƒ", "g9ğɡ", "hһ", "i1íìîïі", "jјĵ", "kκķ", "l1ĺł|", "mмɱ"),
        *("nñńη", "o0óòôöоο", "pрρ", "qԛ9", "rŕř", "s5$śšѕ", "t7+ťţ", "uúùûüυ", "vѵν", "wŵѡ", "xхχ×", "yýÿу", "z2źżž"),
    )
}
"""Characters that look like a letter, drawn from digits, accents and other alphabets."""


def look_alike(word: str, generator: np.random.Generator) -> str:
    """One letter of the word in the place of which a look-alike stands; the word itself where it has none."""
    places = [k for k, letter in enumerate(word) if letter.lower() in LOOK_ALIKES]
    if not places:
        return word
    place = places[int(generator.integers(len(places)))]
    choices = LOOK_ALIKES[word[place].lower()]
    return word[:place] + choices[int(generator.integers(len(choices)))] + word[place + 1 :]


def slip(word: str, generator: np.random.Generator) -> str:
    """The word with two neighbouring letters traded, one left out, or one doubled."""
    if len(word) < 3:
        return word
    place = int(generator.integers(1, len(word) - 1))
    kind = int(generator.integers(3))
    if kind == 0:
        return word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]
    return word[:place] + word[place + 1 :] if kind == 1 else word[:place] + word[place] + word[place:]


def visual_noise(
    text: str, generator: np.random.Generator, *, letters: float = 0.2, slips: float = 0.1, shuffled: float = 0.5
) -> str:
    """The text with some words respelt and, at times, a few neighbouring words out of order.

    Args:
        text: any text.
        generator: draws what is changed.
        letters: probability that a word gets a look-alike letter.
        slips: probability that a word gets a slip of the finger.
        shuffled: probability that a run of two to four words is put out of order.
    """
    words = text.split()
    draws = generator.random((len(words), 2))
    for k, (letter, finger) in enumerate(draws):
        if letter < letters:
            words[k] = look_alike(words[k], generator)
        if finger < slips:
            words[k] = slip(words[k], generator)
    if len(words) > 2 and generator.random() < shuffled:
        length = min(len(words), int(generator.integers(2, 5)))
        start = int(generator.integers(len(words) - length + 1))
        run = words[start : start + length]
        words[start : start + length] = [run[k] for k in generator.permutation(length)]
    return " ".join(words)


class VisualNoise(Synthesis):
    """A text and the same text respelt as it might look: look-alikes, slips, words out of order.

    Also known as: visually inspired perturbation, homoglyph and typo augmentation.

    Reference: Xiao et al. (2024), Pixel Sentence Representation Learning, arXiv:2402.08183, section 3.1.

    Differs from the paper: the paper renders texts as pictures and reads them with a vision encoder; this is its
    augmentation alone, for encoders that read tokens, with look-alike letters written as characters.

    Args:
        copies: pairs a text.
        letters: probability that a word gets a look-alike letter.
        slips: probability that a word gets a slip of the finger.
        shuffled: probability that a run of two to four words is put out of order.

    >>> from accord.data import Unlabelled
    >>> pairs = VisualNoise(letters=1.0, slips=0.0, shuffled=0.0).pairs(Unlabelled.of({"text": ["good code"]}))
    >>> pairs.column("anchor"), pairs.column("positive")[0] != "good code"
    (['good code'], True)
    """

    def __init__(self, copies: int = 1, *, letters: float = 0.2, slips: float = 0.1, shuffled: float = 0.5) -> None:
        super().__init__(copies)
        for name, value in (("letters", letters), ("slips", slips), ("shuffled", shuffled)):
            check_fraction(name, value)
        self.letters = letters
        self.slips = slips
        self.shuffled = shuffled

    def draw(self, text: str, generator: np.random.Generator) -> tuple[str, str] | None:
        """The text, and its noisy twin."""
        return text, visual_noise(text, generator, letters=self.letters, slips=self.slips, shuffled=self.shuffled)
