"""Every configuration trains: three steps of a reduced network, on digits."""

import math

import pytest

from nasnet_tf.configuration.files import list_configs
from nasnet_tf.training.config_files import read_config
from nasnet_tf.training.job import train
from nasnet_tf.zoo.configured_network import network_arguments
from tests.training.jobs import one_block, one_block_genotype

# The smallest input that the auxiliary heads take.
SIZES = {"imagenet": 96, "cifar": 32}


def reduced(name, folder):
    """One cell of one block a group, F = 8."""
    config = read_config([name])
    if not config.model.preset and not config.model.genotype:
        config.model.preset = "nasnet_a_mobile"
    arguments = network_arguments(config.model)
    filters = 8 * one_block().filters_divisor
    return read_config(
        override=(
            f"model.genotype={one_block_genotype(folder)},"
            f"model.num_cells=1,model.penultimate_filters={filters},"
            f"model.input_size={SIZES[arguments['stem']]},"
            "model.batch_norm_momentum=0.5,model.initial_weights=null,"
            "model.freeze=nothing,data.source=digits,data.name=null,"
            "data.data_dir=null,data.held_out=8,recipe.batch_size=4,"
            "recipe.epochs=null,recipe.steps=3,recipe.warmup_epochs=0,"
            "runtime.log_every_steps=1,runtime.tensorboard=false"
        ),
        base=config,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", list_configs())
def test_three_steps(name, tmp_path):
    config = reduced(name, tmp_path)
    result = train(config, tmp_path / "job", quiet=True)
    assert result.complete and result.step == 3
    losses = result.history["training"]["loss"]
    assert len(losses) == 3 and all(map(math.isfinite, losses))
    assert math.isfinite(result.evaluation["loss"])
    if config.model.auxiliary_head:
        assert len(result.history["training"]["auxiliary_loss"]) == 3
    assert (tmp_path / "job" / "model.keras").stat().st_size > 0
