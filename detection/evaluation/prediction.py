"""Objects detected in images, drawn and listed."""

import collections
import contextlib
import dataclasses
import json
import pathlib
import sys

from PIL import Image

from detection.data.file_names import image_ids
from detection.evaluation.detecting import detect_all, show_upright
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
from detection.evaluation.partial_results import PARTIAL, PartialResults
from detection.evaluation.results import PREDICTIONS, to_results, write_rows
from nasnet_tf.checks.arguments import (
    check_integer,
    check_number,
    expanded_path,
)
from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import (
    cannot_be_written,
    check_output,
    make_folder,
)
from nasnet_tf.images.skipped import Skipped

IMAGES = "images.json"
# Of checkpoints, SavedModels and LiteRT.
_OF_MODELS = (".index", ".pb", ".tflite")
# Images on the contact sheet, and in one of its rows.
SHOWN, COLUMNS = 24, 6


def predict(
    model,
    images,
    out,
    min_score: float = MIN_SCORE,
    max_images: int | None = None,
    checkpoint: str | None = None,
    strict: bool = False,
    bfloat16: bool = False,
) -> list[dict]:
    """Detects objects in images, and writes pictures and results.

    `out` gets a picture of each image in `drawn/`, the first 24 small on
    `contact_sheet.jpg`, the detections as `predictions.json` in the format of
    COCO's results, each with its `file_name` too, and `images.json`, which
    lists id, name and size of all images as COCO does. Images are turned as
    their EXIF data says, and boxes refer to them turned. Those of more than 33
    million pixels are shown and drawn at a fraction of their size.

    Files of a folder that cannot be read are skipped, and one line on stderr
    counts and names them at the end.

    Until the end `predictions.jsonl` holds what was found. Where a run was
    stopped, the same call goes on with the images that are left, and says so
    on stderr; with another model or another `min_score` it begins anew.

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
        strict: skip nothing: a file that cannot be read is an error before
            the work.
        bfloat16: see `detection.detectors.load_detector`.

    Returns:
        COCO's results, as written.

    Raises:
        InputError: no images, none that can be read, or a file cannot be
            written; one line.
    """
    check_number("min_score", min_score, "[0, 1]")
    if max_images is not None:
        check_integer("max_images", max_images)
    out = expanded_path("out", out)
    images = expanded_path("images", images)
    photos = _find(images, out, max_images, strict)
    make_folder(out / DRAWN)
    for name in (SHEET, PREDICTIONS, IMAGES):
        check_output(out / name)
    # It brings TensorFlow and Model Garden.
    from detection.detectors import load_detector

    detector = load_detector(model, checkpoint, bfloat16)
    partial = PartialResults(
        out / PARTIAL,
        {
            "model": detector.name,
            "files": _model_files(model),
            "min_score": min_score,
            "images": str(images.resolve()),
        },
        {photo.name: photo.mark() for photo in photos},
    )
    skipped = Skipped()
    cells: dict[str, Image.Image] = {}
    with contextlib.closing(partial):
        _detect(detector, photos, out, min_score, partial, cells, skipped)
    shown = [photo for photo in photos if photo.name in partial.known]
    if not shown:
        raise InputError(
            f"images: none of the {len(photos):,} files of {images} can be "
            f"read as an image ({skipped}); replace them"
        )
    first = shown[:SHOWN]
    write_picture(
        contact_sheet(
            [_cell(p, cells, partial, detector.categories) for p in first],
            [photo.path.name for photo in first],
            COLUMNS if len(first) > COLUMNS else None,
        ),
        out / SHEET,
    )
    found = [partial.known[photo.name] for photo in shown]
    results = [entry for each in found for entry in each["results"]]
    write_rows(results, out / PREDICTIONS)
    _remove_earlier(out, shown, partial.discarded)
    write_rows([each["image"] for each in found], out / IMAGES)
    partial.remove()
    if skipped.count:
        print(skipped.line(len(photos)), file=sys.stderr)
    return results


def _detect(detector, photos, out, min_score, partial, cells, skipped):
    """Detects in the images that nothing is known of yet."""
    paths = {
        photo: photo.path
        for photo in photos
        if photo.name not in partial.known
        or not (out / DRAWN / photo.picture).is_file()
    }
    done = len(photos) - len(paths)
    if done:
        print(
            f"{done:,} of {len(photos):,} images were done before the last run "
            f"was stopped ({out / PARTIAL}); going on",
            file=sys.stderr,
        )
    elif partial.discarded:
        print(
            f"{out / PARTIAL} is of another model, other images or another "
            "min_score; beginning anew",
            file=sys.stderr,
        )
    for photo, shown, detections in detect_all(
        detector, paths, lambda _, path: show_upright(path), skipped
    ):
        entries = to_results(photo.id, detections, file_name=photo.name)
        entries = [entry for entry in entries if entry["score"] >= min_score]
        boxes = _boxes(entries, detector.categories, shown)
        picture = out / DRAWN / photo.picture
        make_folder(picture.parent)
        write_picture(draw_large(shown.image, boxes), picture)
        if len(cells) < SHOWN:
            cells[photo.name] = draw_scaled(shown.image, boxes, CELL)
        row = photo.row(shown.size)
        partial.add(photo.name, {"image": row, "results": entries})


def _boxes(entries, categories, shown):
    boxes = coco_boxes(entries, categories)
    if shown.image.size == shown.size:
        return boxes
    return [box.scaled(shown.scale) for box in boxes]


def _cell(photo, cells, partial, categories):
    """A photo small; drawn anew where an earlier run looked at it."""
    if photo.name in cells:
        return cells[photo.name]
    shown = show_upright(photo.path)
    entries = partial.known[photo.name]["results"]
    return draw_scaled(shown.image, _boxes(entries, categories, shown), CELL)


def _model_files(model):
    """What changes when a model does: its files' names, sizes and times."""
    path = expanded_path("model", model)
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    return [
        [file.name, file.stat().st_size, file.stat().st_mtime_ns]
        for file in files
        if file.suffix in _OF_MODELS and file.is_file()
    ]


@dataclasses.dataclass(frozen=True)
class _Photo:
    path: pathlib.Path
    name: str
    id: int
    picture: pathlib.Path

    def mark(self):
        """What changes when the file or its id does."""
        stat = self.path.stat()
        return [self.id, stat.st_size, stat.st_mtime_ns]

    def row(self, size):
        """What COCO's `images` say of it."""
        return {
            "id": self.id,
            "file_name": self.name,
            "width": size[0],
            "height": size[1],
        }


def _find(images, out, max_images, strict):
    # What an earlier run wrote is not what to look at.
    found = find_images(images, skip=(out / DRAWN, out / SHEET))[:max_images]
    if strict or images.is_file():
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


def _remove_earlier(out, photos, names):
    """Removes pictures of images that only earlier runs were shown.

    Of `names` where such a run was stopped.
    """
    # Of letters alike: not all file systems tell them from capitals.
    kept = {str(photo.picture).casefold() for photo in photos}
    shown = {photo.path.resolve() for photo in photos}
    for picture in {*_earlier_pictures(out / IMAGES), *_pictures(names)}:
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
        return _pictures([row["file_name"] for row in rows])
    # There is none, or another program's.
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return []


def _pictures(names):
    names = _picture_names([pathlib.Path(name) for name in names])
    return [n for n in names if not n.is_absolute() and ".." not in n.parts]
