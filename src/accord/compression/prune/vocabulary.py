"""Prune the vocabulary: drop the tokens that a corpus never uses, and their rows of the token table."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from accord.compression.prune.base import Pruned, Pruner, check_calibration, check_prunable
from accord.core.errors import InputError
from accord.encoders import TextEncoder
from accord.encoders.text.layers import OFFSET_POSITIONS

__all__ = ["Vocabulary", "prune_vocabulary"]

KINDS = ("WordPiece", "BPE", "Unigram")
BYTE = ("<0x", ">")


def prune_vocabulary(encoder: TextEncoder, texts: Sequence[str]) -> tuple[TextEncoder, dict[str, Any]]:
    """A copy that knows the tokens of a corpus only; its vectors of these texts stay the same.

    Beside the tokens that the texts and the model's own prompts use there stay: special and added tokens, every single
    character in each of its roles, bytes, and what merges need on the way. A word that was spelled from pieces still
    is, from smaller ones where its pieces are gone: no word becomes unknown that was not, as long as its characters
    have pieces of their own. Ids are dealt out anew in the old order.

    Also known as: vocabulary trimming, embedding pruning.

    Reference: Abdaoui et al. (2020), Load What You Need: Smaller Versions of Multilingual BERT, arXiv:2010.05609,
    section 3; Ushio et al. (2023), arXiv:2305.15020.

    Differs from the paper: no threshold on counts, so that texts of the corpus lose nothing; single characters stay.

    Args:
        encoder: stays as it is.
        texts: all texts that the model shall read as before: a corpus, and questions to it.

    Returns:
        The encoder, and a record.

    Raises:
        InputError: no texts, or a tokenizer of another kind than WordPiece, BPE or Unigram.
    """
    check_prunable(encoder, "vocabulary")
    check_calibration(texts, "vocabulary")
    state = json.loads(encoder.tokenizer.backend_tokenizer.to_str())
    model = state["model"]
    vocabulary = _vocabulary(model)
    kept = _used(encoder, texts) | _fixed(encoder, state, vocabulary)
    kept |= _kept_pieces(model, vocabulary, kept)
    backbone = encoder.backbone
    order = sorted(number for number in kept if number < backbone.get_input_embeddings().num_embeddings)
    numbers = {old: new for new, old in enumerate(order)}
    smaller = copy.deepcopy(encoder)
    smaller.tokenizer = _rebuilt(encoder.tokenizer, _renumbered(state, vocabulary, numbers))
    _cut_table(smaller.backbone, order, numbers)
    smaller.max_length = encoder.max_length  # reads the new tokenizer
    rows = backbone.get_input_embeddings().num_embeddings
    return smaller, {"method": "vocabulary", "kind": model["type"], "of": rows, "kept": len(order), "texts": len(texts)}


def _vocabulary(model: Mapping[str, Any]) -> dict[str, int]:
    """Tokens and ids of a tokenizer's own model, without added tokens.

    Raises:
        InputError: a kind of tokenizer that is not supported.
    """
    kind = model.get("type")
    odd = [key for key in ("dropout", "end_of_word_suffix", "continuing_subword_prefix") if model.get(key)]
    if kind not in KINDS or (kind == "BPE" and odd):
        what = f"{kind} with `{odd[0]}`" if kind in KINDS else str(kind)
        raise InputError(f"`vocabulary` does not support tokenizers of the kind {what}; only {', '.join(KINDS)}.")
    if kind == "Unigram":
        return {token: number for number, (token, _) in enumerate(model["vocab"])}
    return dict(model["vocab"])


def _used(encoder: TextEncoder, texts: Sequence[str]) -> set[int]:
    """Ids in the texts, uncut, alone and after each prompt; and in the frame around a text."""
    backend = Tokenizer.from_str(encoder.tokenizer.backend_tokenizer.to_str())
    backend.no_truncation()
    backend.no_padding()
    found: set[int] = set()
    for prompt in dict.fromkeys(["", *encoder.prompts.values()]):
        for start in range(0, len(texts), 4096):
            some = [prompt + text for text in texts[start : start + 4096]]
            for row in backend.encode_batch_fast(some):
                found.update(row.ids)
    return found | set(backend.encode("a", "a").ids)


def _fixed(encoder: TextEncoder, state: Mapping[str, Any], vocabulary: Mapping[str, int]) -> set[int]:
    """Ids of added and special tokens, of those that configurations name, and of single characters and bytes."""
    config, tokenizer = encoder.backbone.config, encoder.tokenizer
    found = {row["id"] for row in state["added_tokens"]} | set(tokenizer.all_special_ids)
    found |= {number for _, number in _named_ids(config)}
    if config.model_type in OFFSET_POSITIONS:
        found |= set(range((config.pad_token_id or 0) + 1))  # positions are counted from the padding's id
    prefix = state["model"].get("continuing_subword_prefix") or "\0"
    for token, number in vocabulary.items():
        if len(token.removeprefix(prefix)) == 1 or (token.startswith(BYTE[0]) and token.endswith(BYTE[1])):
            found.add(number)
    unknown = state["model"].get("unk_token")
    return found | ({vocabulary[unknown]} if unknown in vocabulary else set())


def _named_ids(config: Any) -> list[tuple[str, int]]:
    """`pad_token_id` and its like in a configuration; of lists every one."""
    found = []
    for key, value in config.to_dict().items():
        if key.endswith("_token_id"):
            found += [(key, one) for one in (value if isinstance(value, list) else [value]) if isinstance(one, int)]
    return found


def _kept_pieces(model: Mapping[str, Any], vocabulary: Mapping[str, int], kept: set[int]) -> set[int]:
    """What else has to stay so that the kept tokens are found as before."""
    if model["type"] == "WordPiece":
        return _words_of_odd_characters(model, vocabulary)
    if model["type"] == "Unigram":
        pieces = model["vocab"]
        least = min(range(len(pieces)), key=lambda number: pieces[number][1])  # sets the score of unknown characters
        return {least} | ({model["unk_id"]} if model.get("unk_id") is not None else set())
    ranks = {tuple(_pair(merge)): rank for rank, merge in enumerate(model["merges"])}
    tokens = {number: token for token, number in vocabulary.items()}
    found = {part for number in kept if number in tokens for part in _merged_parts(tokens[number], ranks)}
    return {vocabulary[part] for part in found if part in vocabulary}


def _words_of_odd_characters(model: Mapping[str, Any], vocabulary: Mapping[str, int]) -> set[int]:
    """Tokens with a character that has no piece of its own in the role in which it stands there."""
    prefix = model.get("continuing_subword_prefix") or "##"

    def odd(token: str) -> bool:
        inside = token.startswith(prefix) and token != prefix
        letters = token.removeprefix(prefix) if inside else token
        single = [letter if place == 0 and not inside else prefix + letter for place, letter in enumerate(letters)]
        return any(piece not in vocabulary for piece in single)

    return {number for token, number in vocabulary.items() if odd(token)}


def _pair(merge: str | Sequence[str]) -> Sequence[str]:
    return merge.split(" ") if isinstance(merge, str) else merge


def _merged_parts(token: str, ranks: Mapping[tuple[str, ...], int]) -> set[str]:
    """The token and everything that merges make on the way to it.

    >>> sorted(_merged_parts("abc", {("a", "b"): 0, ("ab", "c"): 1}))
    ['a', 'ab', 'abc', 'b', 'c']
    """
    parts = list(token)
    found = {token, *parts}
    while len(parts) > 1:
        pairs = [(ranks.get((a, b), len(ranks)), place) for place, (a, b) in enumerate(itertools.pairwise(parts))]
        rank, place = min(pairs)
        if rank == len(ranks):
            break
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
        found.add(parts[place])
    return found


def _renumbered(state: Mapping[str, Any], vocabulary: Mapping[str, int], numbers: Mapping[int, int]) -> dict[str, Any]:
    """The tokenizer's file with the tokens that stay, under their new ids."""
    state = copy.deepcopy(dict(state))
    model = state["model"]
    if model["type"] == "Unigram":
        model["vocab"] = [row for number, row in enumerate(model["vocab"]) if number in numbers]
        if model.get("unk_id") is not None:
            model["unk_id"] = numbers[model["unk_id"]]
    else:
        model["vocab"] = {token: numbers[old] for token, old in vocabulary.items() if old in numbers}
    if model["type"] == "BPE":
        known = model["vocab"]
        pairs = [_pair(merge) for merge in model["merges"]]
        model["merges"] = [[a, b] for a, b in pairs if a in known and b in known and a + b in known]
    state["added_tokens"] = [row | {"id": numbers[row["id"]]} for row in state["added_tokens"] if row["id"] in numbers]
    state["post_processor"] = _frame(state.get("post_processor"), numbers)
    state["padding"] = state["truncation"] = None
    return state


def _frame(rule: Any, numbers: Mapping[int, int]) -> Any:
    """A post-processor with new ids, whichever of its kinds it is."""
    if not isinstance(rule, dict):
        return rule
    rule = dict(rule)
    if rule["type"] == "Sequence":
        rule["processors"] = [_frame(one, numbers) for one in rule["processors"]]
    elif rule["type"] == "TemplateProcessing":
        special = rule["special_tokens"].items()
        rule["special_tokens"] = {name: row | {"ids": [numbers[n] for n in row["ids"]]} for name, row in special}
    else:
        for key in {"sep", "cls"} & rule.keys():
            rule[key] = [rule[key][0], numbers[rule[key][1]]]
    return rule


def _rebuilt(tokenizer: Any, state: Mapping[str, Any]) -> PreTrainedTokenizerFast:
    """A tokenizer of transformers around the new file, with the settings of the old one."""
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)),
        model_max_length=tokenizer.model_max_length,
        model_input_names=list(tokenizer.model_input_names),
        padding_side=tokenizer.padding_side,
        truncation_side=getattr(tokenizer, "truncation_side", "right"),
        clean_up_tokenization_spaces=False,
        **special,
    )


def _cut_table(backbone: Any, order: Iterable[int], numbers: Mapping[int, int]) -> None:
    """Keep some rows of the token table, in place, and name the ids of the configuration anew."""
    config, table = backbone.config, backbone.get_input_embeddings()
    rows = torch.tensor(list(order), device=table.weight.device)
    table.weight = torch.nn.Parameter(table.weight.data[rows], requires_grad=table.weight.requires_grad)
    table.num_embeddings = len(rows)
    if table.padding_idx is not None:
        table.padding_idx = numbers.get(table.padding_idx, 0)
    config.vocab_size = len(rows)
    for key in {key for key, _ in _named_ids(config)}:
        value = getattr(config, key)
        new = [numbers[one] for one in value] if isinstance(value, list) else numbers[value]
        setattr(config, key, new)


class Vocabulary(Pruner):
    """:func:`prune_vocabulary`; the texts that it is given are the corpus."""

    def prune(self, encoder: TextEncoder, texts: Sequence[str]) -> Pruned:
        """A copy with the tokens of the texts."""
        return Pruned(*prune_vocabulary(encoder, texts))
