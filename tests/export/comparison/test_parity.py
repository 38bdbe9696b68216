"""Parity: what passes and what does not, and on what figures."""

import dataclasses

import numpy as np
import pytest

from export.comparison.parity import BOUNDS, Parity, check, compare
from nasnet_tf.checks.errors import InputError, JobError
from tests.conftest import line_of

GENERATOR = np.random.default_rng(0)
LOGITS = GENERATOR.normal(0, 3, (400, 10)).astype("float32")


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype("float32")


PROBABILITIES = softmax(LOGITS)


def found(answers, reference=LOGITS, quantize="none"):
    return compare(reference, answers, "digits: 400 images", quantize)


def test_equal_answers_differ_by_nothing():
    parity = found(LOGITS)
    assert (parity.difference, parity.error, parity.agreement) == (0, 0, 1)
    assert parity.count == 400 and parity.images == "digits: 400 images"
    for quantize in BOUNDS:
        check(found(LOGITS, quantize=quantize))


def test_difference_is_in_parts_of_the_largest_answer():
    answers = LOGITS.copy()
    answers[7, 3] += 0.25
    parity = found(answers)
    expected = 0.25 / np.abs(LOGITS).max()
    np.testing.assert_allclose(parity.difference, expected, rtol=1e-5)
    np.testing.assert_allclose(
        parity.error,
        np.sqrt(0.25**2 / LOGITS.size) / np.std(LOGITS - LOGITS.mean(axis=0)),
        rtol=1e-5,
    )


@pytest.mark.parametrize("reference", [LOGITS, PROBABILITIES])
def test_error_of_constant_and_unrelated_answers(reference):
    constant = np.tile(reference.mean(axis=0), (len(reference), 1))
    np.testing.assert_allclose(found(constant, reference).error, 1, rtol=1e-5)
    unrelated = GENERATOR.permutation(reference)
    np.testing.assert_allclose(
        found(unrelated, reference).error, np.sqrt(2), atol=0.05
    )


def test_figures_do_not_depend_on_the_unit():
    answers = LOGITS + GENERATOR.normal(0, 0.1, LOGITS.shape)
    ones, thousands = found(answers), found(answers * 1e3, LOGITS * 1e3)
    for name in ("difference", "error", "agreement", "spread"):
        np.testing.assert_allclose(
            getattr(ones, name), getattr(thousands, name), rtol=1e-5
        )


def test_agreement_counts_images_with_the_same_best_class():
    answers = LOGITS.copy()
    for row in range(40):
        answers[row] = np.roll(answers[row], 1)
    assert found(answers).agreement == 0.9


def test_probabilities_are_told_from_logits():
    assert found(PROBABILITIES, PROBABILITIES).probabilities
    assert not found(LOGITS).probabilities
    assert not found(PROBABILITIES * 0.9, PROBABILITIES * 0.9).probabilities


@pytest.mark.parametrize(
    "quantize, noise, passes",
    [
        ("none", 1e-6, True),
        ("none", 1e-3, False),
        ("float16", 1e-3, True),
        ("float16", 5e-2, False),
        ("dynamic", 0.02, True),
        ("dynamic", 0.3, False),
        ("int8", 0.15, True),
        ("int8", 0.6, False),
    ],
)
def test_bounds(quantize, noise, passes):
    spread = np.std(LOGITS)
    answers = LOGITS + GENERATOR.normal(0, noise * spread, LOGITS.shape)
    parity = found(answers, quantize=quantize)
    np.testing.assert_allclose(parity.error, noise, rtol=0.05)
    assert (not parity.failures) == passes
    if passes:
        check(parity)
    else:
        with pytest.raises(JobError, match="parity: "):
            check(parity)


def test_one_wrong_image_of_many_fails_in_float32():
    answers = PROBABILITIES.copy()
    answers[11] = np.roll(answers[11], 1)
    assert len(found(answers, PROBABILITIES).failures) == 1


def test_int8_that_answers_always_the_same_fails_by_both_bounds():
    constant = np.tile(PROBABILITIES.mean(axis=0), (400, 1))
    parity = found(constant, PROBABILITIES, "int8")
    with pytest.raises(JobError) as error:
        check(parity)
    line = line_of(error)
    assert line.startswith("parity: error 1 above 0.35, agreement ")
    assert " on digits: 400 images, so nothing is kept" in line
    assert "calibrate on images like those it is to see" in line


def test_answers_that_are_no_numbers():
    answers = LOGITS.copy()
    answers[0, 0] = np.nan
    for quantize in BOUNDS:
        assert found(answers, quantize=quantize).failures
    with pytest.raises(InputError, match="are not finite numbers"):
        found(LOGITS, answers)


def test_answers_of_another_shape():
    with pytest.raises(JobError, match=r"\(400, 9\), the Keras model's"):
        found(LOGITS[:, :9])


def test_a_model_that_sees_no_difference_is_told_of():
    same = np.full((20, 10), 0.1, "float32")
    assert found(same, same, "int8").error == 0
    assert "answers nearly the same to all" in str(found(same, same, "int8"))
    assert "answers nearly" not in str(found(LOGITS))
    parity = found(same + np.float32(0.01), same, "int8")
    assert parity.error == np.inf
    with pytest.raises(JobError, match="hardly differ between these images"):
        check(parity)


def test_sentence_has_the_figures():
    parity = Parity(
        "digits: 360 images", 360, "int8", 0.2, 0.025, 0.995, 0.3, True
    )
    text = str(parity)
    for figure in ("on digits: 360 images", "2.0e-01", "2.5e-02", "99.50%"):
        assert figure in text
    worse = dataclasses.replace(parity, agreement=0.5)
    assert worse.failures == ["agreement 50.0% below 80%"]
