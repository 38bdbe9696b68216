"""Training jobs of small detectors on a few scenes, that tests share."""

import pathlib

from detection.data import annotations, records, scenes
from detection.experiments import read_experiment
from tests.detection.models import cells_of_one_block

EXPERIMENT = "fasterrcnn_nasnet_digits"
SMALL = (
    "task.model.input_size=[64,64,3],"
    "task.model.backbone.nasnet.penultimate_filters=64,"
    "task.model.decoder.fpn.num_filters=8,task.model.rpn_head.num_filters=8,"
    "task.model.detection_head.fc_dims=8,"
    "task.train_data.global_batch_size=2,"
    "trainer.train_steps=4,trainer.steps_per_loop=2,"
    "trainer.summary_interval=2,trainer.checkpoint_interval=2,"
    "trainer.validation_interval=4,trainer.optimizer_config.optimizer.type=sgd,"
    "task.recalibrate_batch_norm=never"
)


def write_records(folder, count=6) -> pathlib.Path:
    """Records of scenes, 64x64, for training and validation."""
    for split in scenes.SPLITS:
        file = scenes.write_scenes(
            folder / split, count, image_size=64, split=split
        )
        read = annotations.read_annotations(file, file.parent / scenes.IMAGES)
        records.write_records(read, folder / "records", name=split, shards=1)
    return folder / "records"


def overrides(folder, more="") -> str:
    """Of the experiment, to read those records; its cells of one block."""
    return (
        f"{SMALL}{cells_of_one_block(folder)},"
        f"task.train_data.input_path={folder}/train*,"
        f"task.validation_data.input_path={folder}/validation*{more}"
    )


def small_params(folder, more=""):
    return read_experiment(EXPERIMENT, (), overrides(folder, more))
