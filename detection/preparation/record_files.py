"""Records as `detection.coco` writes them, as a folder of images again."""

import json
import pathlib
import re

import tensorflow as tf

from detection.data.categories import CATEGORIES_FILE, read_categories
from detection.data.records import check_whole
from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import make_folder, written_beside

_FOLDER = "pictures"
_SIDES = ("ymin", "xmin", "ymax", "xmax")
_VALUES = tf.io.VarLenFeature(tf.float32)
_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/format": tf.io.FixedLenFeature([], tf.string, "jpeg"),
    "image/height": tf.io.FixedLenFeature([], tf.int64),
    "image/width": tf.io.FixedLenFeature([], tf.int64),
    "image/filename": tf.io.FixedLenFeature([], tf.string, ""),
    "image/object/class/label": tf.io.VarLenFeature(tf.int64),
    "image/object/is_crowd": tf.io.VarLenFeature(tf.int64),
    "image/object/area": _VALUES,
    **{f"image/object/bbox/{side}": _VALUES for side in _SIDES},
}


def unpacked(root: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The folder itself, or of records the images in them.

    So that some can be held out, and drawn; records alone have no names to
    choose by, and no files.

    Args:
        root: a folder of any kind.
        folder: gets the images of records, and a COCO file for each set.

    Returns:
        A folder for `read_sets`.

    Raises:
        InputError: records are incomplete, damaged or not Model Garden's.
    """
    files = sorted(root.glob("*.tfrecord*")) if root.is_dir() else []
    if not files:
        return root
    categories = read_categories(root)
    if not categories:
        raise InputError(
            f"data: {root} has records and no {CATEGORIES_FILE}, which names "
            'their categories; write it: [{"id": 1, "name": "dog"}, ...]'
        )
    check_whole(files, "data")
    sets: dict[str, list[pathlib.Path]] = {}
    for file in files:
        name = re.split(r"[-.]", file.name)[0]
        sets.setdefault(name, []).append(file)
    for name, some in sets.items():
        _unpack(some, categories, folder / _FOLDER / name)
    return folder / _FOLDER


def _unpack(files, categories, folder):
    target = folder / "annotations.json"
    # Written last, of a folder that is whole.
    if target.is_file():
        return
    make_folder(folder)
    ids = categories.by_label()
    images: list[dict] = []
    annotations: list[dict] = []
    try:
        for content in tf.data.TFRecordDataset(list(map(str, files))):
            example = tf.io.parse_single_example(content, _FEATURES)
            image = _image(example, len(images) + 1, folder)
            images.append(image)
            for entry in _objects(example, image, ids):
                annotations.append({**entry, "id": len(annotations) + 1})
    except (tf.errors.OpError, KeyError) as error:
        raise InputError(
            f"data: {files[0].parent} has records that Model Garden does not "
            f"read ({type(error).__name__}); write them by detection.coco"
        ) from None
    listed = [{"id": n, "name": name} for n, name in categories.items()]
    content = {
        "images": images,
        "annotations": annotations,
        "categories": listed,
    }
    with written_beside(target, "model_dir") as beside:
        beside.write_text(json.dumps(content), encoding="utf-8")


def _image(example, number, folder):
    said = example["image/filename"].numpy().decode(errors="replace")
    # The number keeps two of one name apart, and the order.
    stem = re.sub(r"[^\w.-]+", "_", pathlib.PurePosixPath(said).stem)[:80]
    suffix = example["image/format"].numpy().decode()
    name = f"{stem or 'image'}_{number:06}.{suffix}"
    (folder / name).write_bytes(example["image/encoded"].numpy())
    return {
        "id": number,
        "file_name": name,
        "width": int(example["image/width"]),
        "height": int(example["image/height"]),
    }


def _objects(example, image, ids):
    def values(name):
        return tf.sparse.to_dense(example[f"image/object/{name}"]).numpy()

    top, left, bottom, right = (values(f"bbox/{side}") for side in _SIDES)
    height, width = image["height"], image["width"]
    labels, crowds = values("class/label"), values("is_crowd")
    for n, label in enumerate(labels):
        yield {
            "image_id": image["id"],
            "category_id": ids[int(label)],
            "bbox": [
                float(left[n] * width),
                float(top[n] * height),
                float((right[n] - left[n]) * width),
                float((bottom[n] - top[n]) * height),
            ],
            "iscrowd": int(crowds[n]) if len(crowds) else 0,
        }
