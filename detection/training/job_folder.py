"""What a training job's folder holds: its configuration and checkpoints."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import yaml

from detection.data.categories import (
    CATEGORIES_FILE,
    Categories,
    write_categories,
)
from nasnet_tf.checks.errors import InputError

if TYPE_CHECKING:
    from official.core import config_definitions as cfg

PARAMS_FILE = "params.yaml"


def write_settings(
    folder: pathlib.Path, params: cfg.ExperimentConfig, categories: Categories
) -> None:
    """Writes `params.yaml` and, where there are some, `categories.json`.

    Raises:
        OSError: they cannot be written.
    """
    # As in `read_params`.
    from official.modeling import hyperparams

    hyperparams.save_params_dict_to_yaml(params, str(folder / PARAMS_FILE))
    if categories:
        write_categories(folder / CATEGORIES_FILE, categories)


def read_params(model_dir) -> cfg.ExperimentConfig:
    """The configuration that a job saved in `params.yaml`.

    Args:
        model_dir: the folder of a job of `detection.train`.

    Raises:
        InputError: the folder holds none, or another kind of job's.
    """
    # Model Garden is slow to import; an exported file needs only the names.
    from official.core import config_definitions as cfg

    from detection.training.tasks import FasterRCNNTask, RetinaNetTask

    path = pathlib.Path(model_dir) / PARAMS_FILE
    if not path.is_file():
        raise InputError(
            f"model: {model_dir} holds no {PARAMS_FILE}; give the model_dir "
            "of a job of detection.train"
        )
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        # Checked before training; not a part of the configuration.
        values.pop("restrictions", None)
        model = values["task"]["model"]
        task = FasterRCNNTask() if "rpn_head" in model else RetinaNetTask()
        params = cfg.ExperimentConfig(task=task)
        params.override(values, is_strict=True)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise InputError(
            f"model: {path} is not of a job of detection.train ({reason}); "
            "give another folder"
        ) from None
    backbone = params.task.model.backbone
    if backbone.type == "nasnet" and backbone.nasnet.preprocessing is None:
        # A job of before this was saved.
        backbone.nasnet.preprocessing = "scale"
    return params
