"""Exports a detector: writes it, runs what was written, and compares."""

import pathlib
import statistics
import time

from detection.detectors import open_exported
from detection.detectors.checkpoint import open_job
from detection.detectors.files import (
    FILES,
    LITERT_FILE,
    model_file,
    read_settings,
)
from detection.detectors.litert import LitertDetector
from detection.exporting.card import DetectorExportResult, write_cards
from detection.exporting.parity import (
    BOUNDS,
    check,
    compare,
    comparison_images,
    own_differences,
    widened,
)
from detection.exporting.rounding import rounded_otherwise
from detection.exporting.writing import write_litert, write_saved_model
from detection.training.job_folder import write_settings
from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.files.output_folder import writing, written_folder
from nasnet_tf.terminal.native_output import native_lines_hidden

# Of each detector at most, and no turn begins after so many seconds.
_RUNS = 15
_SECONDS = 30


def run_export(
    model: pathlib.Path,
    out: pathlib.Path,
    format: str,
    checkpoint: str | None,
    image_size: tuple[int, int] | None,
    images,
    quantize: str,
    command: str | None,
    stage,
) -> DetectorExportResult:
    """What `detection.export.export_detector` does, its arguments checked.

    Args:
        model: see there.
        out: of `nasnet_tf.files.output_folder.check_folder`.
        format: see there.
        checkpoint: see there.
        image_size: height and width, or None.
        images: see there.
        quantize: see there.
        command: see there.
        stage: a `nasnet_tf.terminal.stages.Stages`.
    """
    if not model.exists():
        raise InputError(
            f"model: {model} does not exist; give the folder of a job of "
            "detection.train"
        )
    if model_file(model)[0] != "job":
        raise InputError(
            f"model: {model} was exported; give the folder of a job of "
            "detection.train"
        )
    with stage("read images") as tell:
        what, pixels = comparison_images(images)
        tell(what)
    with stage("load the checkpoint") as tell:
        reference = open_job(model, checkpoint, image_size)
        tell(reference.name)
    module = reference.module
    with written_folder(out) as folder:
        path = folder / FILES[format]
        with stage(f"write {path.name}") as tell, writing(out):
            write_settings(folder, module.params, reference.categories)
            with native_lines_hidden():
                if format == LITERT_FILE:
                    write_litert(module, path, quantize, reference.categories)
                else:
                    write_saved_model(module, path)
            size = _num_bytes(path)
            tell(f"{size / 1e6:.2f} MB")
        with stage("compare") as tell:
            exported = _opened(format, path)
            parity = _parity(reference, exported, what, pixels, quantize)
            check(parity, quantize)
            tell(f"boxes within {parity.box:.1e} px")
        with stage("time it") as tell:
            delegation = None
            if format == LITERT_FILE:
                delegation = exported.delegation()
                exported = LitertDetector(path, num_threads=1)
            ours, theirs = _medians((exported, reference), pixels[0])
            tell(f"{ours * 1e3:.1f} ms, the checkpoint {theirs * 1e3:.1f} ms")
        settings = read_settings(path)
        result = DetectorExportResult(
            folder=out,
            model=path.name,
            format=format,
            quantize=quantize,
            source=reference.name,
            num_bytes=size,
            num_classes=reference.num_classes,
            image_size=module.image_size,
            padded_size=module.padded_size,
            parity=parity,
            seconds=ours,
            checkpoint_seconds=theirs,
            delegation=delegation,
            keep_aspect_ratio=settings.keep_aspect_ratio,
            half_pixel_centers=settings.half_pixel_centers,
        )
        with writing(out):
            write_cards(folder, result, command)
    return result


def _opened(format, path):
    try:
        with native_lines_hidden():
            return open_exported(format, path)
    except InputError as error:
        raise JobError(
            f"parity: the exported file cannot be run, so nothing is kept; it "
            f"says: {error}"
        ) from error


def _parity(reference, exported, what, pixels, quantize):
    generator = reference.module.params.task.model.detection_generator
    limits = (generator.pre_nms_score_threshold, generator.max_num_detections)
    bound = BOUNDS[quantize]
    expected = [reference.detect(image) for image in pixels]
    found = [exported.detect(image) for image in pixels]
    parity = compare(expected, found, what, bound, *limits)
    if quantize != "none" or parity.found >= bound.found:
        return parity
    # A fault, or no more than another order of sums makes of this network.
    rounded = rounded_otherwise(reference)
    again = [rounded.detect(image) for image in pixels]
    own = own_differences(expected, again, *limits)
    return compare(expected, found, what, widened(bound, own), *limits, own)


def _medians(detectors, image):
    """Seconds of an image, the detectors in turn."""
    taken: list[list[float]] = [[] for _ in detectors]
    end = time.perf_counter() + _SECONDS
    for number in range(_RUNS):
        # Some detectors take half a minute an image.
        if number and time.perf_counter() > end:
            break
        for detector, seconds in zip(detectors, taken, strict=True):
            # The first run finds caches as the other detector left them.
            detector.detect(image)
            began = time.perf_counter()
            detector.detect(image)
            seconds.append(time.perf_counter() - began)
    return [statistics.median(seconds) for seconds in taken]


def _num_bytes(path):
    if path.is_file():
        return path.stat().st_size
    return sum(
        file.stat().st_size for file in path.rglob("*") if file.is_file()
    )
