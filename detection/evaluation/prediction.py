"""Objects detected in images, drawn and listed."""

import collections
import dataclasses
import json
import pathlib

from PIL import Image

from detection.data.file_names import image_ids
from detection.evaluation.detecting import detect_all
from detection.evaluation.drawing import (
    CELL,
    DRAWN,
    MIN_SCORE,
    SHEET,
    coco_boxes,
    contact_sheet,
    draw_large,
    draw_scaled,
    write_picture,
)
from detection.evaluation.images import find_images, read_sizes
from detection.evaluation.results import PREDICTIONS, to_results, write_rows
from nasnet_tf.checks.arguments import (
    check_integer,
    check_number,
    expanded_path,
)
from nasnet_tf.files.output_file import (
    cannot_be_written,
    check_output,
    make_folder,
)
from nasnet_tf.images.photos import open_photo

IMAGES = "images.json"
# Images on the contact sheet, and in one of its rows.
SHOWN, COLUMNS = 24, 6


def predict(
    model,
    images,
    out,
    min_score: float = MIN_SCORE,
    max_images: int | None = None,
    checkpoint: str | None = None,
) -> list[dict]:
    """Detects objects in images, and writes pictures and results.

    `out` gets a picture of each image in `drawn/`, the first 24 small on
    `contact_sheet.jpg`, the detections as `predictions.json` in the format of
    COCO's results, each with its `file_name` too, and `images.json`, which
    lists id, name and size of all images as COCO does. Images are turned as
    their EXIF data says, and boxes refer to them turned.

    Pictures of images that only an earlier run was shown are removed, by that
    run's `images.json`.

    An image's id is the number that its name is, as in COCO, where all names
    are different numbers; else they are numbered from 1.

    Args:
        model: path of a training job's folder, an exported SavedModel or a
            `.tflite` file; see `detection.detectors.load_detector`.
        images: a folder, which is searched recursively, or one file.
        out: folder, which is made; files in it are overwritten.
        min_score: leave out detections of a lower score. For an evaluation
            take 0.
        max_images: only the first so many.
        checkpoint: of a job: its name, such as `"ckpt-400"`; None: the latest.

    Returns:
        COCO's results, as written.

    Raises:
        InputError: no images, some that cannot be read, or a file cannot be
            written; one line.
    """
    check_number("min_score", min_score, "[0, 1]")
    if max_images is not None:
        check_integer("max_images", max_images)
    out = expanded_path("out", out)
    photos = _find(expanded_path("images", images), out, max_images)
    make_folder(out / DRAWN)
    for name in (SHEET, PREDICTIONS, IMAGES):
        check_output(out / name)
    # It brings TensorFlow and Model Garden.
    from detection.detectors import load_detector

    detector = load_detector(model, checkpoint)
    results, rows = [], []
    cells: list[Image.Image] = []
    paths = {photo: photo.path for photo in photos}

    def read(_, path):
        return open_photo(path)

    for photo, image, detections in detect_all(detector, paths, read):
        entries = to_results(photo.id, detections, file_name=photo.name)
        entries = [entry for entry in entries if entry["score"] >= min_score]
        boxes = coco_boxes(entries, detector.categories)
        picture = out / DRAWN / photo.picture
        make_folder(picture.parent)
        write_picture(draw_large(image, boxes), picture)
        if len(cells) < SHOWN:
            cells.append(draw_scaled(image, boxes, CELL))
        results += entries
        rows.append(photo.row(image.size))
    captions = [photo.path.name for photo in photos[:SHOWN]]
    columns = COLUMNS if len(cells) > COLUMNS else None
    write_picture(contact_sheet(cells, captions, columns), out / SHEET)
    write_rows(results, out / PREDICTIONS)
    _remove_earlier(out, photos)
    write_rows(rows, out / IMAGES)
    return results


@dataclasses.dataclass(frozen=True)
class _Photo:
    path: pathlib.Path
    name: str
    id: int
    picture: pathlib.Path

    def row(self, size):
        """What COCO's `images` say of it."""
        return {
            "id": self.id,
            "file_name": self.name,
            "width": size[0],
            "height": size[1],
        }


def _find(images, out, max_images):
    # What an earlier run wrote is not what to look at.
    found = find_images(images, skip=(out / DRAWN, out / SHEET))[:max_images]
    read_sizes(found)
    root = images if images.is_dir() else images.parent
    names = [path.relative_to(root) for path in found]
    return [
        _Photo(path, name.as_posix(), number, picture)
        for path, name, number, picture in zip(
            found, names, image_ids(names), _picture_names(names), strict=True
        )
    ]


def _picture_names(names):
    """Names of pictures; the old ending stays where it tells two apart."""
    plain = [path.with_suffix(".jpg") for path in names]
    times = collections.Counter(plain)
    return [
        path if times[path] == 1 else name.with_name(f"{name.name}.jpg")
        for path, name in zip(plain, names, strict=True)
    ]


def _remove_earlier(out, photos):
    """Removes pictures of images that only an earlier run was shown."""
    # Of letters alike: not all file systems tell them from capitals.
    kept = {str(photo.picture).casefold() for photo in photos}
    shown = {photo.path.resolve() for photo in photos}
    for picture in _earlier_pictures(out / IMAGES):
        path = out / DRAWN / picture
        if not path.is_file() or str(picture).casefold() in kept:
            continue
        if path.resolve() in shown:
            continue
        try:
            path.unlink()
        except OSError as error:
            raise cannot_be_written("out", path, error) from None


def _earlier_pictures(listing):
    """Names of the pictures of the images that are listed."""
    try:
        rows = json.loads(listing.read_bytes())
        names = _picture_names([pathlib.Path(r["file_name"]) for r in rows])
    # There is none, or another program's.
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return []
    return [n for n in names if not n.is_absolute() and ".." not in n.parts]
