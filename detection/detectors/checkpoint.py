"""A detector from a checkpoint of a training job."""

import pathlib
import re

import tensorflow as tf
from official.core import config_definitions as cfg

from detection.data.categories import Categories, read_categories
from detection.detectors.detector import Detector
from detection.detectors.saved_model import quiet_at_first, served
from detection.modeling.saved_variables import SavedVariables, assign_saved
from detection.modeling.serving import DetectionModule
from detection.training.job_folder import read_params
from nasnet_tf.checks.errors import InputError, first_line

# Model Garden's trainer saves averaged weights there when it evaluates.
AVERAGES = "ema_checkpoints"
_INDEX = ".index"


class CheckpointDetector(Detector):
    """Runs a detector as it is exported, its weights in variables.

    Args:
        module: of one image, restored.
        name: for titles.
        categories: of the job.
    """

    def __init__(
        self, module: DetectionModule, name: str, categories: Categories
    ):
        super().__init__(
            name,
            categories,
            module.params.task.model.num_classes,
            module.image_size,
        )
        self.module = module
        self._function = quiet_at_first(
            tf.function(
                module.serve,
                input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8)],
                autograph=False,
            )
        )

    def _run(self, image):
        return served(self._function(tf.constant(image)[None]))


def open_job(
    model_dir,
    checkpoint: str | None = None,
    image_size: tuple[int, int] | None = None,
) -> CheckpointDetector:
    """Opens a checkpoint of a job of `detection.train`.

    Args:
        model_dir: the job's folder.
        checkpoint: see `detection.detectors.load_detector`.
        image_size: height and width to fit images into; None: as in training.

    Raises:
        InputError: see `detection.detectors.load_detector`.
    """
    params = read_params(model_dir)
    if image_size is not None:
        params.task.model.input_size = [*image_size, 3]
    path = find_checkpoint(model_dir, params, checkpoint)
    module = DetectionModule(params, batch_size=1, for_inference=True)
    restore(module.model, path)
    name = (
        path.relative_to(model_dir) if path.is_relative_to(model_dir) else path
    )
    return CheckpointDetector(
        module,
        f"checkpoint {name} of {model_dir}",
        read_categories(model_dir),
    )


def find_checkpoint(
    model_dir, params: cfg.ExperimentConfig, checkpoint: str | None = None
) -> pathlib.Path:
    """The path of a job's checkpoint, without suffix.

    Args:
        model_dir: the job's folder.
        params: its configuration.
        checkpoint: see `detection.detectors.load_detector`.

    Raises:
        InputError: there is none, or none of this name.
    """
    folder = pathlib.Path(model_dir)
    averaged = params.trainer.optimizer_config.ema is not None
    if checkpoint is None:
        place = folder / AVERAGES if averaged else folder
        if latest := tf.train.latest_checkpoint(str(place)):
            return pathlib.Path(latest)
    else:
        for path in (folder / checkpoint, pathlib.Path(checkpoint)):
            if path.with_name(path.name + _INDEX).is_file():
                return path
    there = _names(folder)
    if not there:
        raise InputError(
            f"model: {folder} has no checkpoint yet; train, or give another "
            "folder"
        )
    if checkpoint is None:
        raise InputError(
            f"model: {folder} keeps moving averages (trainer.optimizer_config."
            f"ema) and has none in {AVERAGES} yet; evaluate in training, or "
            f"name a checkpoint: {', '.join(there)}"
        )
    raise InputError(
        f"checkpoint: {folder} has no {checkpoint!r}; it has {', '.join(there)}"
    )


def _names(folder):
    found = folder.glob(f"**/*{_INDEX}")
    names = [path.relative_to(folder).with_suffix("") for path in found]
    return [str(name) for name in sorted(names, key=_place)]


def _place(name):
    number = re.search(r"(\d+)$", name.name)
    return len(name.parts), int(number[1]) if number else -1, str(name)


def restore(model, path: pathlib.Path) -> None:
    """Reads a model's variables from a checkpoint of Model Garden's trainer.

    Raises:
        InputError: it is damaged, or of another network.
    """
    try:
        assign_saved(model, SavedVariables(str(path)))
    except KeyError:
        raise InputError(
            f"checkpoint: {path} lacks weights of the detector of params.yaml; "
            "keep each job in a folder of its own"
        ) from None
    except (tf.errors.OpError, IndexError, ValueError, RuntimeError) as error:
        raise InputError(
            f"checkpoint: {path} cannot be read ({first_line(error)}); give "
            "another one"
        ) from None
