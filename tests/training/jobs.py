"""Jobs that trace in a second or two, for several tests."""

import pathlib

import tensorflow as tf

import nasnet_tf
from nasnet_tf.training.config_files import read_config

# Everything that draws: order, shifts, flips, cutout, mixing, drop path,
# dropout; and everything that has a state.
ALL_DRAWS = (
    "data.augmentation=cifar,data.cutout=8,data.mixup=0.2,"
    "model.drop_path_keep_prob=0.6,model.dropout_rate=0.5,"
    "model.auxiliary_head=true,recipe.ema_momentum=0.7,recipe.clip_norm=1.0,"
    "recipe.weight_decay=0.001,recipe.label_smoothing=0.1"
)


def one_block(operation="max_pool_3x3") -> nasnet_tf.Genotype:
    """Cells of one block each.

    Pooling takes a third less to trace than a convolution, and learns less: the
    1x1 convolutions around the cells alone.
    """
    cell = nasnet_tf.Cell.with_unused_concatenated(
        [nasnet_tf.Block((operation, 0), ("identity", 1))]
    )
    return nasnet_tf.Genotype("one block", normal=cell, reduction=cell)


def one_block_genotype(folder, *operation) -> pathlib.Path:
    """A file of `one_block`."""
    path = pathlib.Path(folder) / "one_block.json"
    one_block(*operation).save(path)
    return path


def small_job(folder, *overrides, operation="max_pool_3x3"):
    """A configuration of digits on a network of one block a cell."""
    fixed = (
        f"model.genotype={one_block_genotype(folder, operation)},"
        "model.num_cells=1,model.penultimate_filters=32,model.stem=cifar,"
        "model.stem_multiplier=1,model.input_size=32,"
        "model.batch_norm_momentum=0.5,recipe.batch_size=8,recipe.steps=6,"
        "runtime.tensorboard=false,runtime.log_every_steps=1"
    )
    return read_config(override=",".join([fixed, *overrides]))


def variables_of(model_dir) -> dict:
    """Every value of the newest checkpoint, by name."""
    newest = tf.train.latest_checkpoint(f"{model_dir}/checkpoints")
    reader = tf.train.load_checkpoint(newest)
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if "VARIABLE_VALUE" in name and not name.startswith("save_counter")
    }
