"""What lies in the folder of a detector."""

import dataclasses
import pathlib

import yaml

from detection.training.job_folder import PARAMS_FILE
from nasnet_tf.checks.errors import InputError, first_line

SAVED_MODEL, LITERT_FILE = "saved_model", "litert"
# In the folder that `detection.export` writes.
FILES = {SAVED_MODEL: "saved_model", LITERT_FILE: "model.tflite"}
_PROTO = "saved_model.pb"
_REMEDY = (
    "give the folder of a job of detection.train, one that detection.export "
    "wrote, or a .tflite file"
)


def model_file(path: pathlib.Path) -> tuple[str, pathlib.Path]:
    """What a path is: `"job"`, `SAVED_MODEL` or `LITERT_FILE`.

    Args:
        path: that exists.

    Returns:
        This, and the model's own file or folder.

    Raises:
        InputError: it is none.
    """
    if path.is_file():
        if path.suffix.lower() != ".tflite":
            raise InputError(f"model: {path} is no .tflite file; {_REMEDY}")
        return LITERT_FILE, path
    if (path / _PROTO).is_file():
        return SAVED_MODEL, path
    saved_model = path / FILES[SAVED_MODEL]
    if (saved_model / _PROTO).is_file():
        return SAVED_MODEL, saved_model
    if (path / FILES[LITERT_FILE]).is_file():
        return LITERT_FILE, path / FILES[LITERT_FILE]
    if (path / PARAMS_FILE).is_file():
        return "job", path
    raise InputError(
        f"model: {path} holds no {PARAMS_FILE} of a job and no exported "
        f"detector; {_REMEDY}"
    )


@dataclasses.dataclass(frozen=True)
class Settings:
    """What an exported detector does not tell by itself.

    Args:
        folder: that holds `params.yaml`.
        num_classes: the background included.
        image_size: height and width that images are fitted into.
        keep_aspect_ratio: of the images, when they are fitted.
        half_pixel_centers: see `detection.modeling.stretching`.
    """

    folder: pathlib.Path
    num_classes: int
    image_size: tuple[int, int]
    keep_aspect_ratio: bool
    half_pixel_centers: bool = True


def read_settings(file: pathlib.Path) -> Settings:
    """Reads `params.yaml` beside an exported detector, or in its folder.

    Raises:
        InputError: there is none, or it is another kind of file.
    """
    places = [file] if file.is_dir() else []
    places.append(file.absolute().parent)
    folder = next((p for p in places if (p / PARAMS_FILE).is_file()), None)
    if folder is None:
        raise InputError(
            f"model: {file} has no {PARAMS_FILE} beside it; keep the files "
            "that detection.export wrote together"
        )
    path = folder / PARAMS_FILE
    try:
        task = yaml.safe_load(path.read_text(encoding="utf-8"))["task"]
        parser = task["train_data"]["parser"]
        height, width = task["model"]["input_size"][:2]
        return Settings(
            folder,
            int(task["model"]["num_classes"]),
            (int(height), int(width)),
            bool(parser.get("keep_aspect_ratio", True)),
            bool(parser.get("half_pixel_centers", True)),
        )
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"model: {path} is not of a detector ({first_line(error)}); export "
            "it again"
        ) from None
