"""Which images an export calibrates on and compares on."""

from collections.abc import Callable

from export.sources.images import (
    LEAST_CALIBRATION,
    Images,
    data_images,
    folder_images,
    random_images,
    sample_photos,
)
from export.sources.original import Original
from nasnet_tf.checks.errors import InputError

# Where no labels are known, more images tell nothing more of parity.
UNLABELLED = 64
SEED = 0


def calibration_images(
    original: Original,
    folder,
    count: int,
    allow_random: bool = False,
    strict: bool = False,
) -> Images:
    """Images for int8: of a folder, or of the training data.

    Args:
        original: the model.
        folder: of photos, or None.
        count: how many.
        allow_random: take noise where there are neither.
        strict: an image that cannot be read is an error; else it is skipped.

    Raises:
        InputError: there are none, they cannot be read or are too few.
    """
    if folder:
        return _enough(_photos(original, folder, count, strict=strict))
    # What a program gave to a job is in no file.
    if original.config and original.config.data.source != "python":
        split = original.config.data.train_split
        return _enough(_of_data(original, split, count, strict))
    if allow_random:
        return random_images(original.size, original.channels, count, SEED)
    raise InputError(
        "calibration: missing, and int8 needs images such as the model is to "
        "see; give --calibration=FOLDER, or the data as --config_file or "
        "--params_override"
    )


def comparison_images(
    original: Original,
    folder,
    count: int,
    say: Callable[[str], None],
    calibrated: int = 0,
    strict: bool = False,
) -> Images:
    """Images that the exported file and the model are compared on.

    The images that the data are evaluated on, with labels; without data those
    of the folder, and without that crops of scikit-learn's two photographs.

    Args:
        original: the model.
        folder: of photos, or None.
        count: of labelled images at most.
        say: is told where a job's own data are no longer there.
        calibrated: photos of the folder that int8 is calibrated on; others
            are taken where there are others.
        strict: see `calibration_images`.

    Raises:
        InputError: data that the user named, or the folder, cannot be read.
    """
    if original.config:
        try:
            found = _of_data(original, None, count, strict)
            _check_labels(original, found)
            return found
        except InputError as error:
            if original.data_given:
                raise
            say(f"no accuracy, for the job's data are gone: {error}")
    few = min(count, UNLABELLED)
    if folder:
        return _photos(original, folder, few, calibrated, strict)
    return sample_photos(original.size, original.channels, few, SEED)


def _of_data(original, split, count, strict):
    return data_images(
        original.config.data,
        split,
        original.size,
        original.channels,
        count,
        original.config.runtime.seed,
        original.class_names,
        original.reading,
        original.kept,
        strict,
    )


def _photos(original, folder, count, skip=0, strict=False):
    try:
        return folder_images(
            folder,
            original.size,
            original.channels,
            count,
            SEED,
            skip,
            original.reading,
            strict,
        )
    except InputError as error:
        # There the argument has another name.
        line = str(error).removeprefix("folder: ")
        raise InputError(f"calibration: {line}") from None


def _enough(found):
    if len(found.pixels) < LEAST_CALIBRATION:
        raise InputError(
            f"calibration: {found.name}, which are too few; give "
            f"{LEAST_CALIBRATION} or more"
        )
    return found


def _check_labels(original, found):
    if found.labels.max() >= original.classes:
        raise InputError(
            f"data: {found.name} has the class {found.labels.max()}, and "
            f"{original.model.name} {original.classes} classes; give the data "
            "that it was trained for"
        )
