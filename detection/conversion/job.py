"""A converted detector, as the folder of a training job."""

import dataclasses
import pathlib

import tensorflow as tf

from detection.conversion.card import CARD, card
from detection.conversion.checkpoint import find_checkpoint, read_checkpoint
from detection.conversion.coco_names import coco_names
from detection.conversion.detector import assign_heads, configuration
from detection.conversion.pipeline import (
    PIPELINE_FILE,
    Pipeline,
    read_pipeline,
)
from detection.conversion.text_format import Message, read_message
from detection.data.categories import (
    CATEGORIES_FILE,
    Categories,
    labelled,
)
from detection.modeling.detector import build_detector
from detection.training.job_folder import PARAMS_FILE, write_settings
from nasnet_tf.checks.arguments import MIN_SIZE, check_image_size
from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_folder import (
    check_folder,
    writing,
    written_folder,
)
from nasnet_tf.terminal.stages import Stages
from nasnet_tf.weights.loading import assign_source

COCO_CLASSES = 90
# Of the map that regions are proposed from.
STRIDE = 16


@dataclasses.dataclass(frozen=True)
class ConversionReport:
    """What was converted.

    Args:
        folder: that was written.
        checkpoint: the prefix of what was read.
        tensors: how many.
        averaged: how many of them are moving averages.
        classes: of the detector, without the background.
        settings: what the detector does.
        unknown: names of variables that nothing here has.
        slots: how many variables of an optimizer and steps were left out.
    """

    folder: pathlib.Path
    checkpoint: pathlib.Path
    tensors: int
    averaged: int
    classes: int
    settings: Pipeline
    unknown: tuple[str, ...]
    slots: int

    def __str__(self):
        height, width = self.settings.image_size
        plain = self.tensors - self.averaged
        text = (
            f"{self.tensors:,} tensors of {self.checkpoint} ({self.averaged:,} "
            f"averaged, {plain:,} plain): {self.classes} classes, "
            f"{self.settings.num_proposals} proposals, {height}x{width}"
        )
        if self.slots:
            text += f"; {self.slots:,} of an optimizer and steps left out"
        if self.unknown:
            listed = ", ".join(self.unknown[:10])
            more = ", ..." if len(self.unknown) > 10 else ""
            text += f"; {len(self.unknown):,} unknown, left out: {listed}{more}"
        return text


def convert(
    checkpoint,
    out,
    pipeline_config=None,
    label_map=None,
    image_size=None,
    num_proposals: int | None = None,
    slim_variables: str = "auto",
    overwrite: bool = False,
    quiet: bool = False,
) -> ConversionReport:
    """Makes a job's folder of a Faster R-CNN with NASNet of the old API.

    The folder is one that `detection.evaluate`, `predict`, `export` and
    `train` take. It is written whole or not at all.

    Args:
        checkpoint: the folder of a published detector as it was unpacked, or
            of a training, or the prefix of a checkpoint.
        out: the folder; folders above it are made.
        pipeline_config: the detector's; None: `pipeline.config` beside the
            checkpoint, and without it the published settings.
        label_map: a `.pbtxt` of the categories; None: COCO's, of 90 classes.
        image_size: pixels, or `(height, width)`, where there is no
            `pipeline_config`.
        num_proposals: of the first stage, the same.
        slim_variables: which values of variables that have a moving average;
            see `nasnet_tf.load_weights`.
        overwrite: replace an earlier conversion.
        quiet: print nothing.

    Raises:
        InputError: another architecture, a part of a detector, settings or
            labels that do not fit the checkpoint; nothing is written.
    """
    if image_size is not None:
        image_size = check_image_size(image_size, least=MIN_SIZE)
    prefix = find_checkpoint(pathlib.Path(checkpoint).expanduser())
    settings = _settings(prefix, pipeline_config, image_size, num_proposals)
    names = {PARAMS_FILE, CATEGORIES_FILE, CARD, *_CHECKPOINT_FILES}
    out = check_folder(out, names, overwrite)
    stage = Stages(quiet)
    with stage("read the checkpoint") as tell:
        published = read_checkpoint(prefix, slim_variables)
        _check_settings(settings, published)
        categories = _categories(label_map, published.classes)
        tell(f"{published.classes} classes")
    with stage("build the detector") as tell:
        params = configuration(published, settings)
        model = build_detector(params.task.model, list(settings.image_size))
        report = assign_source(model.backbone.network, published.backbone)
        assign_heads(model, published, settings)
        tell(f"{model.count_params():,} values")
    with (
        stage("write the job") as tell,
        written_folder(out) as folder,
        writing(out),
    ):
        _write(folder, params, model, categories)
        tensors = report.tensors + len(published.heads)
        classes, averaged = published.classes, published.averaged
        text = card(prefix.name, tensors, averaged, classes, settings)
        (folder / CARD).write_text(text, encoding="utf-8")
        tell(str(out))
    return ConversionReport(
        out,
        prefix,
        tensors,
        averaged,
        classes,
        settings,
        published.unknown,
        published.slots,
    )


_CHECKPOINT_FILES = (
    "checkpoint",
    "ckpt-0.index",
    "ckpt-0.data-00000-of-00001",
)


def _settings(prefix, pipeline_config, image_size, num_proposals):
    path = prefix.with_name(PIPELINE_FILE)
    if pipeline_config is not None:
        path = pathlib.Path(pipeline_config).expanduser()
        if not path.is_file():
            raise InputError(
                f"pipeline_config: {path} does not exist; leave it out, or "
                "give the detector's"
            )
    given = {"image_size": image_size, "num_proposals": num_proposals}
    given = {name: value for name, value in given.items() if value is not None}
    if num_proposals is not None and num_proposals < 1:
        raise InputError(
            f"num_proposals: {num_proposals} is not 1 or more; give 300"
        )
    if not path.is_file():
        return dataclasses.replace(Pipeline(), **given)
    settings = read_pipeline(path)
    for name, value in given.items():
        if (said := getattr(settings, name)) != value:
            raise InputError(
                f"{name}: {value} beside the {said} of {path}; leave it out, "
                "or change the file"
            )
    return settings


def _check_settings(settings, published):
    height, width = settings.image_size
    if height % STRIDE or width % STRIDE:
        raise InputError(
            f"image_size: {height}x{width} is no multiple of {STRIDE}, which "
            "images would be padded to, and the published graph pads none; "
            "give another --image_size, or change it in pipeline.config"
        )
    said = settings.num_classes
    if said is not None and said != published.classes:
        raise InputError(
            f"pipeline_config: {said} classes, and {published.classes} in "
            f"{published.path}; give the file of this checkpoint"
        )
    anchors = len(settings.sizes) * len(settings.aspect_ratios)
    if anchors != published.anchors:
        raise InputError(
            f"pipeline_config: {len(settings.sizes)} scales and "
            f"{len(settings.aspect_ratios)} aspect_ratios, and "
            f"{published.anchors} anchors in {published.path}; give the file "
            "of this checkpoint"
        )


def _categories(label_map, classes):
    if label_map is None:
        if classes != COCO_CLASSES:
            return Categories()
        return labelled(coco_names(), keep_ids=True)
    path = pathlib.Path(label_map).expanduser()
    message = read_message(path, "label_map")
    names = {}
    for item in message.get("item", []):
        if not isinstance(item, Message):
            continue
        number = item.get_path("id")
        name = item.get_path("display_name") or item.get_path("name")
        if isinstance(number, int) and number > 0 and name:
            names[number] = str(name)
    if not names:
        raise InputError(
            f"label_map: {path} has no item with an id and a name; give the "
            "detector's .pbtxt"
        )
    if max(names) > classes:
        raise InputError(
            f"label_map: {path} has the id {max(names)}, and the checkpoint "
            f"{classes} classes; give the detector's"
        )
    return labelled(names, keep_ids=True)


def _write(folder, params, model, categories):
    write_settings(folder, params, categories)
    step = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=model, global_step=step)
    tf.train.CheckpointManager(
        checkpoint, str(folder), max_to_keep=1, step_counter=step
    ).save(checkpoint_number=0)
