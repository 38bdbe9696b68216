"""Annotations in Pascal VOC's format: an XML file for each image."""

import pathlib
import re
from xml.etree import ElementTree

from detection.data import checks
from detection.data.category_names import read_names
from detection.data.file_names import image_ids, is_file, is_outside
from detection.data.json_values import whole_number
from detection.data.problems import Problems
from detection.data.threads import run_all
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.images.photos import SUFFIXES

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding=["']([\w.-]+)["']""")


def load_voc(
    path: pathlib.Path,
    images: pathlib.Path,
    labels: pathlib.Path | None,
    problems: Problems,
    workers: int | None,
) -> dict[str, list]:
    """A folder of .xml files as COCO's lists.

    Pixels count from 1 and boxes have their last ones in them, so that `xmin`
    1 and `xmax` 10 become x 0 and width 10.

    A `difficult` object is a crowd here: what evaluates VOC counts such
    objects neither as found nor as missed, which is what COCO's evaluation
    does with crowds, and `skip_crowd_during_training` leaves them out of
    training. Model Garden's examples have no other place for it; torchvision
    hands it on and decides nothing.

    Categories are numbered from 1, by name or in the order of `labels`.

    Args:
        path: of the folder, which is searched recursively.
        images: the folder of the images.
        labels: a file with the names of the categories, or None.
        problems: files that are no XML are added.
        workers: threads; None: 8.

    Raises:
        InputError: no such folder, or it has no .xml file or no object.
    """
    files = sorted(path.rglob("*.xml")) if path.is_dir() else []
    if not files:
        raise InputError(
            f"annotations: {path} is no folder with .xml files; give that of "
            "Pascal VOC's annotations"
        )

    def read(file, step):
        name = str(file.relative_to(path))
        try:
            result = _image(parse(file.read_bytes()), file, path, images)
        except (OSError, ValueError, ElementTree.ParseError) as error:
            result = name, first_line(error)
        step()
        return result

    found = run_all(read, files, len(files), "reading", workers)
    read_files = []
    for result in found:
        if isinstance(result, tuple):
            problems.add(checks.FILE, f"{result[0]}: {result[1]}")
        else:
            read_files.append(result)
    read_files.sort(key=lambda image: pathlib.Path(image["file_name"]))
    ids = image_ids([pathlib.Path(i["file_name"]) for i in read_files])
    objects = []
    for number, image in zip(ids, read_files, strict=True):
        image["id"] = number
        objects += [row | {"image_id": number} for row in image.pop("objects")]
    names = _names(objects, labels, path)
    return {
        "images": read_files,
        "annotations": _numbered(objects, names),
        "categories": [{"id": n, "name": name} for name, n in names.items()],
    }


def parse(content: bytes) -> ElementTree.Element:
    """The root of an XML file, which may define nothing of its own.

    Entities of a file can grow without bounds, or name other files.

    Raises:
        ValueError: it is in an unknown encoding, or has a DOCTYPE.
        ElementTree.ParseError: it is no XML.
    """
    declared = _ENCODING.match(content.removeprefix(b"\xef\xbb\xbf"))
    encoding = declared[1].decode() if declared else "utf-8"
    try:
        # As text, of which the parser reads no other encoding than was looked
        # through here.
        text = content.decode(
            "utf-8-sig" if encoding.lower() == "utf-8" else encoding
        )
    except (LookupError, ValueError):
        raise ValueError(f"not in {encoding}") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("a DOCTYPE or an ENTITY, which are not read")
    return ElementTree.fromstring(text)


def _image(root, file, path, images):
    """COCO's entry of an image, with those of its objects."""
    place = file.relative_to(path)
    entry = {"file_name": _file_name(root, place, images)}
    for side in ("width", "height"):
        said = whole_number(_text(root, f"size/{side}"))
        # Tools write 0 where they do not know.
        entry[side] = said or None
    entry["objects"] = [
        _object(row, f"{place}, object {number}")
        for number, row in enumerate(root.findall("object"), 1)
    ]
    return entry


def _file_name(root, place, images):
    """As the file says; where that leads nowhere, as the file is named."""
    said = _text(root, "filename")
    if said and (is_outside(said) or is_file(images / said)):
        return said
    near = place.parent / said if said else place
    guesses = [near] if said else []
    if not near.suffix or not said:
        stem = near if said else place.with_suffix("")
        guesses += [stem.with_name(stem.name + suffix) for suffix in SUFFIXES]
    for guess in guesses:
        if is_file(images / guess):
            return guess.as_posix()
    return said or place.with_suffix(SUFFIXES[0]).as_posix()


def _object(row, where):
    sides = [_text(row, f"bndbox/{side}") for side in _SIDES]
    box: list = sides
    try:
        left, top, right, bottom = map(float, sides)
        box = [left - 1, top - 1, right - left + 1, bottom - top + 1]
    # They stay as they are, and are told of.
    except (TypeError, ValueError):
        pass
    return {
        "bbox": box,
        "category_id": _text(row, "name"),
        "iscrowd": int(_text(row, "difficult") == "1"),
        checks.WHERE: where,
    }


def _text(element, path):
    text = element.findtext(path)
    return text.strip() if text else None


def _names(objects, labels, path):
    """Numbers by name."""
    if labels is not None:
        return {name: n for n, name in read_names(labels, first=1).items()}
    found = {row["category_id"] for row in objects} - {None}
    if not found:
        raise InputError(
            f"annotations: {path} has no object with a name in its .xml "
            "files; give a folder that was annotated"
        )
    return {name: number for number, name in enumerate(sorted(found), 1)}


def _numbered(objects, names):
    return [
        row
        | {
            "id": n,
            "category_id": names.get(row["category_id"], row["category_id"]),
        }
        for n, row in enumerate(objects, 1)
    ]
