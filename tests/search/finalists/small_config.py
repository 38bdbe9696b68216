"""A search of small networks on digits, whose finalists tests train."""

from nasnet_tf.search.config_checks import read_search_config

SMALL = (
    "space.num_blocks=1,data.source=digits,data.name=null,data.held_out=200,"
    "data.augmentation=none,child.num_cells=1,child.filters=4,"
    "child.batch_norm_momentum=0.5,recipe.batch_size=64,recipe.epochs=1,"
    "recipe.learning_rate=0.05,runtime.tensorboard=false"
)


def small_config(*overrides):
    """Its configuration."""
    return read_search_config(override=",".join((SMALL, *overrides)))
