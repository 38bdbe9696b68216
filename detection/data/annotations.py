"""Annotations of images, checked as a whole before anything is made of them."""

import dataclasses
import pathlib

from detection.data import checks, image_checks
from detection.data.coco_file import load_coco
from detection.data.file_names import Folder
from detection.data.formats import COCO, VOC, YOLO, format_of
from detection.data.problems import DataError, Problems
from detection.data.voc import load_voc
from detection.data.yolo import load_yolo
from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.checks.errors import InputError


@dataclasses.dataclass(frozen=True, slots=True)
class Annotation:
    """An object in an image.

    Args:
        category_id: the file's own.
        box: ymin, xmin, ymax, xmax in pixels, clipped to the image.
        area: of the object in square pixels; the box's where the file gives
            none.
        is_crowd: the box is around many objects.
    """

    category_id: int
    box: tuple[float, float, float, float]
    area: float
    is_crowd: bool


@dataclasses.dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """An image and the objects in it.

    Args:
        id: COCO's.
        path: of the file.
        file_name: as annotated.
        width: pixels.
        height: pixels.
        num_bytes: of the file.
        annotations: in the order of the file, none for an image of background.
        is_turned: size and boxes are those of the image as its EXIF data turns
            it, and not as it is stored.
    """

    id: int
    path: pathlib.Path
    file_name: str
    width: int
    height: int
    num_bytes: int
    annotations: tuple[Annotation, ...]
    is_turned: bool = False


@dataclasses.dataclass(frozen=True)
class AnnotationSet:
    """Annotated images, without what is bad.

    Args:
        images: in the order of the file.
        categories: names by id.
        problems: those found; of what was dropped.
        dropped_images: how many.
        dropped_annotations: how many, those of dropped images included.
        dropped_categories: how many.
        unclear_turns: images that EXIF data turn and whose size does not tell
            whether they were annotated so; they are taken as stored.
        format: that they were read in.
    """

    images: tuple[AnnotatedImage, ...]
    categories: dict[int, str]
    problems: Problems
    dropped_images: int = 0
    dropped_annotations: int = 0
    dropped_categories: int = 0
    unclear_turns: int = 0
    format: str = COCO

    @property
    def left_out(self) -> str:
        """How much, in words."""
        return (
            f"left out {self.dropped_images:,} images, "
            f"{self.dropped_annotations:,} annotations (theirs included) and "
            f"{self.dropped_categories:,} categories"
        )

    @property
    def unused_categories(self) -> list[int]:
        """Ids that no annotation has, such as Roboflow's supercategory's."""
        used = {
            box.category_id
            for image in self.images
            for box in image.annotations
        }
        return sorted(self.categories.keys() - used)


def read_annotations(
    annotations,
    images,
    skip_bad: bool = False,
    workers: int | None = None,
    allow_outside: bool = False,
    format: str | None = None,
    labels=None,
    strict: bool = False,
) -> AnnotationSet:
    """Reads and checks annotations and the headers of their images.

    What has one meaning only is read: see `detection.data.coco_file.tidy`; an
    image without width or height has its file's.

    An image that its EXIF data turn by 90 degrees is turned if that gives the
    annotated width and height. Where they do not tell (a square image, one
    turned by 180 degrees or mirrored, no width and height) it is taken as it
    is stored, and counted in `unclear_turns`.

    A box may reach one pixel over the edge of its image and is clipped.
    An image that cannot be read is left out with its annotations, and is in
    `problems`.
    Of categories and annotations whose id repeats another's the first counts.
    Images that share an id are all bad, for nobody can tell which of them an
    annotation belongs to.

    Args:
        annotations: a COCO file, such as `instances_train2017.json`; or what
            `detection.data.voc` or `detection.data.yolo` reads.
        images: the folder that its `file_name` entries are relative to.
        skip_bad: leave out bad images with all their annotations, bad
            annotations, and bad categories with theirs; see `problems` of the
            result.
        workers: threads that read the headers; None: 8.
        allow_outside: read images whose names lead out of the folder, by `..`
            or from the root; they are bad otherwise.
        format: `"coco"`, `"voc"` or `"yolo"`; None: by what `annotations`
            is, see `detection.data.formats.format_of`.
        labels: of VOC and YOLO: a file with a category's name a line.
        strict: images that cannot be read are refused too.

    Raises:
        InputError: no such file or folder, another format, or no images,
            annotations or categories.
        DataError: it has problems other than images that cannot be read, or
            nothing is left; it is an `InputError` whose `problems` tell of
            each kind.
    """
    if strict and skip_bad:
        raise InputError(
            "strict: refuses what skip_bad leaves out; give one of them"
        )
    path, folder = pathlib.Path(annotations), pathlib.Path(images)
    if workers is not None:
        check_integer("workers", workers)
    if not folder.is_dir():
        raise InputError(
            f"images: {folder} is not a folder; give the one that holds the "
            "images"
        )
    format = format_of(path, format)
    problems = Problems(checks.KINDS)
    labels = None if labels is None else pathlib.Path(labels)
    entries = _load(format, path, folder, labels, problems, workers)
    categories = checks.check_categories(entries["categories"], problems)
    listed = checks.check_images(entries["images"], problems)
    files = image_checks.check_image_files(
        listed, folder, problems, workers, allow_outside
    )
    _check_folder(listed, folder, path, problems)
    _add_sizes(listed, files)
    objects = _objects(entries, listed, categories, files, problems)
    result = AnnotationSet(
        images=tuple(
            _image(listed[number], folder, file, objects[number])
            for number, file in files.items()
        ),
        categories=categories,
        problems=problems,
        # An annotation file that cannot be read takes its image with it.
        dropped_images=len(entries["images"])
        - len(files)
        + problems.counts.get(checks.FILE, 0),
        dropped_annotations=len(entries["annotations"])
        - sum(map(len, objects.values())),
        dropped_categories=len(entries["categories"]) - len(categories),
        unclear_turns=sum(file.is_unclear for file in files.values()),
        format=format,
    )
    _judge(result, path, skip_bad, strict)
    return result


def _load(format, path, *more):
    """Annotations as COCO's lists, whatever they are."""
    if format == VOC:
        return load_voc(path, *more)
    if format == YOLO:
        return load_yolo(path, *more)
    labels = more[1]
    if labels is not None:
        raise InputError(
            f"labels: {labels} with a COCO file, which names its categories "
            "itself; leave it out"
        )
    return load_coco(path)


def _check_folder(listed, folder, path, problems):
    names = [entry["file_name"] for entry in listed.values() if entry]
    lost = sum(problems.counts.get(kind, 0) for kind in image_checks.NAMES)
    if not names or lost < len(names):
        return
    nearest = Folder(folder).nearest(names[0])
    hint = f"; {nearest[1]}" if nearest else ""
    raise DataError(
        f"images: {folder} has none of the {len(names):,} images of {path} "
        f"(the first: {names[0]!r}{hint}); give the folder that its file "
        "names are relative to",
        problems,
    )


def _add_sizes(listed, files):
    for number, file in files.items():
        listed[number] |= {"width": file.size[0], "height": file.size[1]}


def _objects(entries, listed, categories, files, problems):
    """The good annotations of each good image by its id."""
    known = {
        entry["id"]
        for entry in entries["categories"]
        if isinstance(entry, dict) and isinstance(entry.get("id"), int)
    }
    objects: dict[int, list[Annotation]] = {number: [] for number in files}
    seen: set[int] = set()
    for entry in entries["annotations"]:
        box = checks.check_annotation(entry, listed, known, seen, problems)
        image = box and objects.get(entry["image_id"])
        if image is not None and entry["category_id"] in categories:
            image.append(_annotation(entry, box))
    return objects


def _annotation(entry, box):
    area = entry.get("area")
    if area is None:
        area = (box[2] - box[0]) * (box[3] - box[1])
    return Annotation(
        category_id=entry["category_id"],
        box=box,
        area=area,
        is_crowd=bool(entry.get("iscrowd", 0)),
    )


def _image(entry, folder, file, annotations):
    return AnnotatedImage(
        id=entry["id"],
        path=folder / entry["file_name"],
        file_name=entry["file_name"],
        width=file.size[0],
        height=file.size[1],
        num_bytes=file.num_bytes,
        annotations=tuple(annotations),
        is_turned=file.is_turned,
    )


def _judge(result, path, skip_bad, strict):
    problems = result.problems
    bad = problems.total
    if not strict:
        # As everywhere: a file that cannot be read is skipped.
        bad -= problems.counts.get(image_checks.UNREADABLE_FILE, 0)
    if bad and not skip_bad:
        what = "problem" if problems.total == 1 else "problems"
        raise DataError(
            f"annotations: {path} has {problems.total:,} {what}: "
            f"{problems.line()}; mend them, or leave out what is bad with "
            "--skip_bad",
            problems,
        )
    if not any(image.annotations for image in result.images):
        raise DataError(
            f"annotations: {path} has no good annotation left: "
            f"{problems.line()}; mend them",
            problems,
        )
