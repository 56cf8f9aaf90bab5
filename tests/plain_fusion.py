"""Fusion as one would write it for a single query, with dictionaries: the slow twin of every method."""

from __future__ import annotations

import math


def lists(scores, query):
    """What each system found for a query: document -> score."""
    return [{d: float(v) for d, v in enumerate(row[query]) if not math.isnan(v)} for row in scores]


def on_scale(found, scale):
    if scale == "none" or not found:
        return dict(found)
    values = list(found.values())
    if scale == "min-max":
        low, high = min(values), max(values)
        return {d: 1.0 if high == low else (v - low) / (high - low) for d, v in found.items()}
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
    return {d: 0.0 if deviation == 0 else (v - mean) / deviation for d, v in found.items()}


def weighted_sum(systems, weights, scale):
    names = {d for found in systems for d in found}
    scaled = [on_scale(found, scale) for found in systems]
    lowest = [min(found.values(), default=0.0) for found in scaled]
    return {d: sum(w * found.get(d, low) for w, found, low in zip(weights, scaled, lowest)) for d in names}


def comb_mnz(systems, scale):
    names = {d for found in systems for d in found}
    scaled = [on_scale(found, scale) for found in systems]
    return {d: sum(d in s for s in scaled) * sum(s.get(d, 0.0) for s in scaled) for d in names}


def reciprocal_rank(systems, weights, offset):
    names = {d for found in systems for d in found}
    fused = dict.fromkeys(names, 0.0)
    for weight, found in zip(weights, systems):
        for d, value in found.items():
            above = sum(other > value for other in found.values())
            equal = sum(other == value for other in found.values())
            fused[d] += weight / (offset + above + (equal + 1) / 2)
    return fused


def places(found):
    """Document -> its place, the mean of the places where scores tie, and the best of them."""
    middle, first = {}, {}
    for d, value in found.items():
        above = sum(other > value for other in found.values())
        middle[d] = above + (sum(other == value for other in found.values()) + 1) / 2
        first[d] = above + 1
    return middle, first


def borda_count(systems, weights):
    names = {d for found in systems for d in found}
    fused = dict.fromkeys(names, 0.0)
    for weight, found in zip(weights, systems):
        given = {d: len(names) + 1 - place for d, place in places(found)[0].items()}
        left = (len(names) * (len(names) + 1) / 2 - sum(given.values())) / max(len(names) - len(found), 1)
        for d in names:
            fused[d] += weight * given.get(d, left)
    return fused


def majority_vote(systems, depth):
    names = {d for found in systems for d in found}
    fused = {}
    for d in names:
        ranks = [places(found)[1].get(d, math.inf) for found in systems]
        fused[d] = sum(rank <= depth for rank in ranks) + sum(1 / rank for rank in ranks) / len(systems)
    return fused
