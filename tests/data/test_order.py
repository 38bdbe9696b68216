"""The order of the training stream."""

import numpy as np
import pytest
import tensorflow as tf

from nasnet_tf.data import order


def taken(dataset, count):
    return [int(number) for number in dataset.take(count)]


def test_every_epoch_is_another_permutation():
    numbers = np.reshape(taken(order.shuffled(100, 0, seed=3), 300), (3, 100))
    for epoch in numbers:
        assert sorted(epoch) == list(range(100))
    assert (numbers[0] != numbers[1]).sum() > 90
    assert (numbers[1] != numbers[2]).sum() > 90
    other = taken(order.shuffled(100, 0, seed=4), 100)
    assert (numbers[0] != other).sum() > 90


@pytest.mark.parametrize("position", [1, 99, 100, 101, 250])
def test_the_stream_can_begin_anywhere(position):
    whole = taken(order.shuffled(100, 0, seed=3), 280)
    rest = taken(order.shuffled(100, position, seed=3), 280 - position)
    assert rest == whole[position:]


def test_all_places_are_equally_likely():
    """Chi squared of where number 0 lands, over 2,000 epochs."""
    numbers = np.reshape(taken(order.shuffled(10, 0, 1), 20000), (2000, 10))
    places = np.bincount(np.argmin(numbers, axis=1), minlength=10)
    # 27.9 is exceeded with a probability of 0.001.
    assert ((places - 200) ** 2 / 200).sum() < 27.9


def test_slices_are_the_contiguous_parts_of_a_batch():
    numbers = tf.data.Dataset.range(1000)
    parts = [
        np.stack(list(order.slices(numbers, 12, shard, 3).take(2)))
        for shard in range(3)
    ]
    assert parts[0].tolist() == [[0, 1, 2, 3], [12, 13, 14, 15]]
    np.testing.assert_array_equal(
        np.concatenate(parts, axis=1), np.arange(24).reshape(2, 12)
    )


def test_held_out_examples_depend_on_the_seed():
    chosen = order.held_out(1000, 100, seed=0)
    assert chosen.shape == (1000,) and chosen.sum() == 100
    assert (chosen == order.held_out(1000, 100, seed=0)).all()
    # Two random tenths share a hundredth: 10, give or take 3.
    common = (chosen & order.held_out(1000, 100, seed=1)).sum()
    assert common < 25


def test_purposes_and_numbers_have_their_own_seeds():
    seeds = {
        tuple(order.seed_pair(seed, purpose, number).numpy())
        for seed in range(3)
        for purpose in range(7)
        for number in range(3)
    }
    assert len(seeds) == 63
