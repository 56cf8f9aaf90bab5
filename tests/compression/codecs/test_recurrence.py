"""The recurrence with gradients is the recurrence without; the start is a good code already; learning goes down."""

import numpy as np
import pytest
import torch

from accord.compression.codecs.recurrence import (
    MAPS,
    Lesson,
    _Course,
    _forward,
    code_lengths,
    following_maps,
    learn_maps,
    recurrent_signs,
    rotated_maps,
)  # fmt: skip
from accord.core.random import torch_generator

LESSON = Lesson(steps=120, batch=64, learning_rate=1e-3, temperature=0.05, fidelity=1.0)


@pytest.fixture(scope="module")
def vectors():
    draws = np.random.default_rng(0)
    rows = draws.normal(size=(300, 16)) * np.linspace(2, 0.5, 16)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def bent(vectors):
    """Maps whose every part does something."""
    draws = np.random.default_rng(1)
    maps = rotated_maps(vectors, planes=3, signs=20, hidden=5, seed=0)
    return {name: array + draws.normal(size=array.shape).astype(np.float32) * 0.05 for name, array in maps.items()}


def plain(vector, maps):
    """The recurrence of one vector, a number at a time."""
    left = [float(x) * len(vector) ** 0.5 for x in vector]
    planes = []
    for j in range(len(maps["skip"])):
        unit = [
            max(0.0, sum(w * x for w, x in zip(row, left)) + e)
            for row, e in zip(maps["inner"][j].tolist(), maps["inner_offset"][j].tolist())
        ]
        values = [
            sum(w * x for w, x in zip(a, left)) + o + sum(w * x for w, x in zip(c, unit))
            for a, o, c in zip(maps["skip"][j].tolist(), maps["offset"][j].tolist(), maps["outer"][j].tolist())
        ]
        signs = [1.0 if value > 0 else -1.0 for value in values]
        planes.append(signs)
        if j < len(maps["back"]):
            left = [x - sum(w * s for w, s in zip(row, signs)) for x, row in zip(left, maps["back"][j].tolist())]
    return planes


def test_signs_are_those_of_a_plain_recurrence(vectors, bent):
    found = recurrent_signs(vectors[:10], bent)
    for row in range(10):
        expected = np.array(plain(vectors[row], bent)) > 0
        assert (np.array([plane[row] for plane in found]) == expected).all()


def test_the_recurrence_with_gradients_gives_the_same_signs(vectors, bent):
    weights = {name: torch.from_numpy(array) for name, array in bent.items()}
    planes = _forward(torch.from_numpy(vectors), weights).numpy() > 0
    assert (planes.transpose(1, 0, 2) == np.array(recurrent_signs(vectors, bent))).mean() > 0.9999


def test_every_map_gets_a_gradient(vectors, bent):
    weights = {name: torch.from_numpy(array.copy()).requires_grad_() for name, array in bent.items()}
    _Course(vectors, weights, LESSON, torch_generator(0), older=None, weight=0.0).loss(0).backward()
    assert {name for name in MAPS if weights[name].grad is not None and weights[name].grad.abs().sum() > 0} == set(MAPS)


def test_the_start_is_a_uniform_quantiser_after_a_turn(vectors):
    maps = rotated_maps(vectors, planes=2, signs=16, hidden=0, seed=4)
    turned = vectors @ maps["skip"][0].T
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), np.linalg.norm(turned[0]), rtol=1e-4)
    values = turned * 4.0  # of deviation 1
    first, second = recurrent_signs(vectors, maps)
    np.testing.assert_array_equal(first, values > 0)
    near = np.abs(np.abs(values) - 0.9957) < 1e-3
    assert ((second == (np.abs(values) > 0.9957)) == first)[~near].all()


def test_the_way_back_is_nearer_with_every_plane(vectors):
    errors = []
    for planes in range(1, 6):
        maps = rotated_maps(vectors, planes=planes, signs=16, hidden=0, seed=0)
        found = recurrent_signs(vectors, maps)
        signs = np.where(np.hstack(found), 1, -1) / code_lengths(found)[:, None]
        errors.append(np.square(signs @ maps["read"].T / 4 - vectors).sum(1).mean())
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < 0.4
    assert errors[-1] < 0.01


def test_lengths_of_codes_are_those_of_their_sums():
    draws = np.random.default_rng(0)
    planes = [draws.random((7, 11)) > 0.5 for _ in range(3)]
    sums = sum(2.0**-j * np.where(plane, 1, -1) for j, plane in enumerate(planes))
    expected = np.linalg.norm(sums, axis=1) / np.sqrt(11 * (1 + 1 / 4 + 1 / 16))
    np.testing.assert_allclose(code_lengths(planes), expected, rtol=1e-6)
    np.testing.assert_array_equal(code_lengths(planes[:1]), 1)


def test_known_signs_are_followed(vectors):
    known = recurrent_signs(vectors, rotated_maps(vectors, planes=2, signs=16, hidden=0, seed=7))
    turned = vectors[:, ::-1].copy()
    found = recurrent_signs(turned, following_maps(turned, known, hidden=3, seed=0))
    assert (found[0] == known[0]).mean() > 0.9
    assert (found[1] == known[1]).mean() > 0.65


def test_learning_goes_down_and_is_a_function_of_its_seed(vectors):
    start = rotated_maps(vectors, planes=2, signs=16, hidden=4, seed=0)
    first, again = (learn_maps(vectors, start, LESSON, seed=5) for _ in range(2))
    other = learn_maps(vectors, start, LESSON, seed=6)
    for name in MAPS:
        np.testing.assert_array_equal(first[name], again[name])
    assert not np.array_equal(first["skip"], other["skip"])

    def loss(maps):
        weights = {name: torch.from_numpy(np.array(array)) for name, array in maps.items()}
        course = _Course(vectors, weights, LESSON, torch_generator(9), older=None, weight=0.0)
        return np.mean([course.loss(step).item() for step in range(10)])

    assert loss(first) < loss(start)


def test_no_step_keeps_the_start(vectors):
    start = rotated_maps(vectors, planes=1, signs=16, hidden=0, seed=0)
    none = Lesson(steps=0, batch=64, learning_rate=1e-3, temperature=0.05, fidelity=1.0)
    assert learn_maps(vectors, start, none, seed=0)["skip"] is start["skip"]
