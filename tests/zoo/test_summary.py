import json

import keras
import pytest

from nasnet_tf import Block, Cell, Genotype, InputError, get_preset
from nasnet_tf.zoo.cards import format_card, format_table, summarize
from nasnet_tf.zoo.mult_adds import (
    count_mult_adds,
    count_parameters,
    count_preset,
)
from tests.commands import run_command
from tests.conftest import tiny_network


def test_mobile_has_the_published_size(mobile):
    assert count_parameters(mobile) == 5_289_978
    assert count_mult_adds(mobile, 224) == 563_638_816
    assert count_mult_adds(mobile, 224) == pytest.approx(564e6, rel=0.005)
    # The same from its card, without building it.
    size = count_preset(get_preset("nasnet_a_mobile"))
    assert (size.parameters, size.mult_adds) == (5_289_978, 563_638_816)


@pytest.fixture(scope="module")
def cards():
    return summarize(["nasnet_b_4_1536", "nasnet_c_cifar_4_640"])


def test_cards_hold_what_is_counted(cards):
    assert [card["parameters"] for card in cards] == [5_492_972, 2_530_154]
    assert [card["mult_adds"] for card in cards] == [525_979_616, 409_032_960]
    assert [card["parameters_ratio"] for card in cards] == [1.0364, 0.8162]
    assert [card["mult_adds_ratio"] for card in cards] == [1.0778, None]
    assert [card["filters"] for card in cards] == [64, 32]
    assert json.loads(json.dumps(cards)) == cards


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameters", "mult_adds"),
    [
        ("nasnet_a_large", 88_753_150, 23_783_414_658),
        ("nasnet_a_5_1536", 12_247_544, 2_552_240_432),
        ("nasnet_a_7_1920", 24_595_884, 5_226_678_524),
        ("nasnet_c_3_960", 5_172_172, 554_299_580),
        ("nasnet_a_cifar_6_768", 3_346_538, 544_333_312),
        ("nasnet_a_cifar_7_2304", 32_590_954, 5_151_250_944),
        ("nasnet_b_cifar_4_1152", 2_636_050, 432_170_496),
    ],
)
def test_all_other_presets(name, parameters, mult_adds):
    size = count_preset(get_preset(name))
    assert (size.parameters, size.mult_adds) == (parameters, mult_adds)


@pytest.mark.parametrize("genotype", ["NASNET_A", "NASNET_B", "NASNET_C"])
def test_parameters_are_those_that_train(genotype):
    model = tiny_network(genotype)
    count = sum(v.value.shape.num_elements() for v in model.trainable_variables)
    assert count_parameters(model) == count
    model.trainable = False
    assert count_parameters(model) == count


def test_auxiliary_head_is_not_counted():
    plain = tiny_network(input_shape=(64, 64, 3))
    headed = tiny_network(input_shape=(64, 64, 3), auxiliary_head=True)
    assert count_parameters(headed) == count_parameters(plain)
    assert count_mult_adds(headed) == count_mult_adds(plain)


def test_a_network_counted_by_hand():
    """One block of a 1x1 and a separable convolution; F = 2, 4 and 8."""
    blocks = [Block(("conv_1x1", 0), ("separable_conv_3x3", 0))]
    cell = Cell.with_unused_concatenated(blocks, 1)
    genotype = Genotype("one", cell, cell, project_inputs=False)
    model = tiny_network(
        genotype,
        penultimate_filters=8,
        stem_multiplier=1,
        input_shape=(40, 33, 3),
    )

    def block(positions, read, filters):
        # Two separable convolutions, the first one on what the block reads.
        first = positions * read * (9 + filters)
        second = positions * filters * (9 + filters)
        return positions * read * filters + first + second

    mult_adds = (
        40 * 33 * 27 * 2
        + block(40 * 33, 2, 2)
        + block(20 * 17, 2, 4)
        + block(20 * 17, 4, 4)
        + block(10 * 9, 4, 8)
        + block(10 * 9, 8, 8)
        + 8 * 10
    )
    assert count_mult_adds(model) == mult_adds
    # Without positions the same sum counts weights; each norm has 2 more a
    # filter, the classifier its bias.
    weights = 27 * 2 + sum(
        block(1, read, filters)
        for read, filters in ((2, 2), (2, 4), (4, 4), (4, 8), (8, 8))
    )
    norms = 2 * 2 + 3 * 2 * (2 + 4 + 4 + 8 + 8)
    assert count_parameters(model) == weights + norms + 8 * 10 + 10


def test_mult_adds_grow_with_the_input():
    model = tiny_network(input_shape=(None, None, 3))
    once, four_times = count_mult_adds(model, 32), count_mult_adds(model, 64)
    head = 192 * 10
    assert four_times - head == 4 * (once - head)
    assert count_mult_adds(model, (32, 64)) - head == 2 * (once - head)


def test_models_that_cannot_be_counted(mobile):
    with pytest.raises(InputError, match=r"^input_size: None .* such as 224"):
        count_mult_adds(mobile)
    with pytest.raises(InputError, match="too small"):
        count_mult_adds(mobile, 16)
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    for count in (count_mult_adds, count_parameters):
        with pytest.raises(InputError, match="is no nasnet_tf"):
            count(other)


def test_table_and_card(cards):
    lines = format_table(cards).splitlines()
    assert lines[3].split()[:8] == [
        "nasnet_b_4_1536", "224x224", "5.3M", "5.49M", "1.036", "488.0M",
        "526.0M", "1.078",
    ]  # fmt: skip
    assert lines[4].split()[5:8] == ["-", "409.0M", "-"]
    assert max(map(len, lines)) <= 140
    notes = [line for line in lines if line.startswith("[")]
    assert notes == [f"[{n}] {c['note']}" for n, c in enumerate(cards, 1)]
    card = format_card(cards[1])
    assert "P = 640, F = 32" in card
    assert "3.1M in the paper, 2,530,154 counted" in card
    assert cards[1]["note"] in card
    with pytest.raises(InputError, match=r"^preset: 'nasnet_z' is unknown"):
        summarize(["nasnet_z"])


def test_command():
    run = run_command(
        "nasnet_tf.summary", "--preset=nasnet_b_cifar_4_1152", "--json"
    )
    (card,) = json.loads(run.stdout)
    assert card["parameters"] == 2_636_050
    assert card["published_accuracy"] == "error 3.73 %"
