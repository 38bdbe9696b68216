"""A folder of images and their boxes, as records and an experiment for them."""

import dataclasses
import hashlib
import json
import math
import pathlib
from collections.abc import Callable, Sequence

from official.core import config_definitions as cfg

from detection.data.annotations import AnnotationSet
from detection.data.coco_file import coco_content
from detection.data.records import write_records
from detection.experiments import read_experiment
from detection.preparation.facts import data_facts
from detection.preparation.folders import TRAIN, VALIDATION, read_sets
from detection.preparation.memory import available_memory
from detection.preparation.network import own_network
from detection.preparation.plan import Choice, plan
from detection.preparation.record_files import unpacked
from detection.preparation.saved_plan import SavedPlan, read_plan
from detection.preparation.split import hold_out
from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError, listed
from nasnet_tf.configuration.override import put
from nasnet_tf.configuration.values import flatten
from nasnet_tf.files.output_file import make_folder, written_beside
from nasnet_tf.terminal.hardware import accelerators

EXPERIMENT = "fasterrcnn_nasnet_digits"
# In the job's folder.
FOLDER = "data"
VALIDATION_FILE = "validation.json"
TRAINED_FILE = "trained_on.json"
# Images to evaluate on of which a number says little.
_FEW = 10
# Images to train on are kept at so many times the pixels of a side that the
# network sees: a photo of a phone takes longer to decode than to learn from.
_KEPT_DETAIL = 4
# Of the images that are trained on, to tell learning by heart.
_TRAINED = 100


@dataclasses.dataclass(frozen=True)
class OwnExperiment:
    """An experiment on data of one's own.

    Args:
        params: for `detection.job.run_experiment`.
        images: the folder that the names in `annotations` begin in.
        annotations: a COCO file of the images that are held out.
        trained_on: another of images that are trained on, 100 at most.
        left_out: a line for each set that lost images or annotations.
    """

    params: cfg.ExperimentConfig
    images: pathlib.Path
    annotations: pathlib.Path
    trained_on: pathlib.Path
    left_out: tuple[str, ...]


def prepare(
    data,
    model_dir,
    weights: str | None = None,
    experiment: str = EXPERIMENT,
    config_files: Sequence = (),
    params_override: str | None = None,
    skip_bad: bool = False,
    strict: bool = False,
    tell: Callable[[str], None] = print,
) -> OwnExperiment:
    """Makes records of a folder, and an experiment that fits them.

    The folder's annotations are found and read: COCO's, VOC's or YOLO's, or
    records, with images to evaluate on beside them or without; then a fifth is
    held out, by name. Sizes, batch, rate and length come from the images and
    from this machine's memory. Each choice is told in a line; files and
    overrides go before it. A job that was begun keeps its data and its choices.

    Args:
        data: the folder.
        model_dir: of the job; `data/` in it gets the records.
        weights: what the backbone begins with: `"imagenet"`, the path of a
            `.keras` file of a NASNet, or the model_dir of a classifier's job;
            None: nothing.
        experiment: that the choices go before.
        config_files: see `read_experiment`.
        params_override: see `read_experiment`.
        skip_bad: leave out what is bad; see `read_annotations`.
        strict: see `read_annotations`.
        tell: gets the lines.

    Raises:
        InputError: nothing is found, something is bad, or the data are no
            longer those that the job was begun with; one line.
    """
    root = expanded_path("data", data)
    folder = make_folder(expanded_path("model_dir", model_dir) / FOLDER)
    root = unpacked(root, folder)
    sets = read_sets(root, skip_bad, strict)
    left_out = tuple(
        f"{name}: {data.left_out}: {data.problems.line()}"
        for name, data in sets.items()
        if data.problems.total
    )
    for line in left_out:
        tell(line)
    training, validation = _split(sets, tell)
    digest = _digest(training, validation)
    saved = read_plan(folder)
    if saved is not None:
        _check_same(saved, digest, weights, root, model_dir)
        choices = saved.choices
    else:
        choices = _choose(
            training, validation, weights, experiment, config_files, folder
        )
    params = read_experiment(
        experiment, config_files, params_override, _nested(choices)
    )
    most_side = _KEPT_DETAIL * _largest_input(params)
    sides = [max(image.width, image.height) for image in training.images]
    if saved is None:
        write_records(training, folder, TRAIN, most_side=most_side)
        write_records(validation, folder, VALIDATION)
        plan = SavedPlan(digest, weights, choices, most_side, left_out)
        plan.write(folder)
    elif saved.most_side and min(most_side, max(sides)) > saved.most_side:
        raise InputError(
            f"task.model.input_size: {params.task.model.input_size} wants "
            f"images of {most_side:,} pixels, and those of the job in "
            f"{model_dir} are kept at {saved.most_side:,}; give another "
            "--model_dir"
        )
    else:
        most_side = saved.most_side or max(sides)
    held_out, trained_on = _coco_files(training, validation, folder)
    values = flatten(params.as_dict())
    for choice in choices:
        now = values.get(choice.name, choice.value)
        own = "" if now == choice.value else f" (yours, for {choice.value})"
        tell(f"  {choice.name}={now}{own or ': ' + choice.reason}")
    if large := sum(side > most_side for side in sides):
        tell(
            f"  {large:,} of {len(sides):,} images to train on are kept at "
            f"{most_side:,} pixels: {_KEPT_DETAIL} times what the network sees"
        )
    return OwnExperiment(params, root, held_out, trained_on, left_out)


def _check_same(saved, digest, weights, root, model_dir):
    if saved.digest != digest:
        raise InputError(
            f"data: {root} is not what the job in {model_dir} was begun with; "
            "restore it, or give another --model_dir"
        )
    if saved.weights != weights:
        raise InputError(
            f"weights: {weights}, and the job in {model_dir} was begun with "
            f"{saved.weights}; give the same, or another --model_dir"
        )


def _coco_files(training, validation, folder):
    """COCO files of the images that are held out, and of some others."""
    with_boxes = [image for image in training.images if image.annotations]
    seen = dataclasses.replace(training, images=tuple(with_boxes[:_TRAINED]))
    paths = folder / VALIDATION_FILE, folder / TRAINED_FILE
    for path, data in zip(paths, (validation, seen), strict=True):
        if not path.is_file():
            with written_beside(path, "model_dir") as beside:
                content = json.dumps(coco_content(data))
                beside.write_text(content, encoding="utf-8")
    return paths


def _split(sets, tell):
    """The sets to train on and to evaluate on."""
    whole = sets[TRAIN]
    if VALIDATION in sets:
        validation = sets[VALIDATION]
        how = "in a set of their own"
        training = whole
    else:
        kept, held_out = hold_out(whole.images)
        training = dataclasses.replace(whole, images=tuple(kept))
        validation = dataclasses.replace(whole, images=tuple(held_out))
        how = "held out by their names"
    objects = sum(len(image.annotations) for image in training.images)
    tell(
        f"{len(training.images):,} images with {objects:,} objects of "
        f"{len(training.categories)} "
        f"{'category' if len(training.categories) == 1 else 'categories'} to "
        f"train on; {len(validation.images):,} to evaluate on, {how}"
    )
    unseen = [training.categories[n] for n in training.unused_categories]
    if unseen:
        tell(
            f"no image to train on has an object of {listed(unseen)}: such "
            "objects will not be found"
        )
    if len(validation.images) < _FEW:
        tell("AP of so few images to evaluate on says little; annotate more")
    return training, validation


def _digest(*sets: AnnotationSet) -> str:
    """Of names, sizes and boxes: what the records hold but for the pixels."""
    digest = hashlib.sha256()
    for data in sets:
        digest.update(repr(sorted(data.categories.items())).encode())
        for image in data.images:
            boxes = [(a.category_id, a.box) for a in image.annotations]
            text = repr((image.file_name, image.num_bytes, boxes))
            digest.update(text.encode(errors="surrogatepass"))
    return digest.hexdigest()


def _largest_input(params):
    """The longer side of an image as the network sees it, in pixels."""
    parser = params.task.train_data.parser
    sides = params.task.model.input_size[:2]
    return math.ceil(max(sides) * max(1, parser.aug_scale_max))


def _choose(training, validation, weights, experiment, files, folder):
    params = read_experiment(experiment, files)
    model = params.task.model
    network = own_network(weights, model.backbone.nasnet, folder)
    facts = data_facts(
        training.images, validation.images, len(training.categories)
    )
    choices = [
        Choice(name, value, network.text)
        for name, value in network.values.items()
    ]
    for name in (TRAIN, VALIDATION):
        pattern = f"{folder.resolve()}/{name}-*.tfrecord"
        choices.append(
            Choice(f"task.{name}_data.input_path", pattern, "written now")
        )
    return choices + plan(
        facts,
        network,
        2**model.max_level,
        available_memory(),
        bool(accelerators()),
    )


def _nested(choices):
    values: dict = {}
    for choice in choices:
        put(values, choice.name, choice.value)
    return values
