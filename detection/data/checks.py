"""Checks of a COCO file's categories, images and annotations.

Each takes the entries of one list and gives those that are good by id.
"""

from detection.data import image_checks
from detection.data.json_values import is_integer, is_number
from detection.data.problems import Problems

# COCO's boxes are rounded, and some annotation tools count pixels from 1.
TOLERANCE = 1.0
# In an annotation that was not COCO's: the file and the place in it. No key of
# JSON is None.
WHERE = None
KINDS = (
    FILE := "annotation files unreadable",
    UNPAIRED := "label files without an image",
    CATEGORY := "categories without an integer id and a name",
    CATEGORY_BELOW := "category ids below 0",
    CATEGORY_TWICE := "category ids that repeat another",
    IMAGE := "images without an integer id >= 0 and file_name, or with a width "
    "or height that is no integer > 0",
    IMAGE_TWICE := "image ids that repeat another",
    *image_checks.KINDS,
    ANNOTATION := "annotations without an integer id",
    ANNOTATION_TWICE := "annotation ids that repeat another",
    IMAGE_UNKNOWN := "image ids of annotations unknown",
    CATEGORY_UNKNOWN := "category ids of annotations unknown",
    NO_BOX := "boxes that are not four finite numbers",
    EMPTY := "boxes empty or negative",
    OUTSIDE := "boxes outside their image",
    AREA := "areas that are not a number >= 0",
    CROWD := "values of iscrowd that are not 0 or 1",
)
_LARGEST = 2**63 - 1


def check_categories(entries: list, problems: Problems) -> dict[int, str]:
    """The names of good categories by id; of a repeated id the first."""
    names: dict[int, str] = {}
    for number, entry in enumerate(entries, 1):
        category = _integer(entry, "id")
        name = entry.get("name") if isinstance(entry, dict) else None
        if category is None or not isinstance(name, str) or not name:
            problems.add(CATEGORY, f"category {number} of the list: {entry!r}")
        elif category < 0:
            problems.add(CATEGORY_BELOW, f"{category}: {name!r}")
        elif category in names:
            problems.add(
                CATEGORY_TWICE,
                f"{category}: {name!r}, and {names[category]!r} before",
            )
        else:
            names[category] = name
    return names


def check_images(entries: list, problems: Problems) -> dict[int, dict | None]:
    """The entries of images by id; None where one is bad or an id is repeated.

    Nobody can tell to which of two images an annotation of their id belongs.
    A width or height that is missing is the file's.
    """
    images: dict[int, dict | None] = {}
    for number, entry in enumerate(entries, 1):
        image = _integer(entry, "id")
        name = entry.get("file_name") if isinstance(entry, dict) else None
        if image is None or image < 0:
            problems.add(IMAGE, f"image {number} of the list: {entry!r}")
        elif not isinstance(name, str) or not name or not _has_sides(entry):
            problems.add(IMAGE, f"image {image}: {entry!r}")
            images.setdefault(image, None)
        elif image in images:
            problems.add(IMAGE_TWICE, f"image {image}: {name}")
            images[image] = None
        else:
            images[image] = entry
    return images


def _has_sides(entry):
    """Whether width and height are whole numbers, or not said."""
    sides = [
        side for side in ("width", "height") if entry.get(side) is not None
    ]
    return all((_integer(entry, side) or 0) > 0 for side in sides)


def check_annotation(
    entry,
    images: dict[int, dict | None],
    categories: set[int],
    seen: set[int],
    problems: Problems,
) -> tuple[float, float, float, float] | None:
    """The box of an annotation, if all of the annotation is right.

    Args:
        entry: of the file's list.
        images: of `check_images`.
        categories: all ids in the file, those of bad categories too.
        seen: ids of the annotations before; this one's is added.
        problems: those of this annotation are added.

    Returns:
        ymin, xmin, ymax, xmax in pixels, clipped to the image.
    """
    before = problems.total
    number = _integer(entry, "id")
    if number is None:
        problems.add(ANNOTATION, repr(entry))
        return None
    who = entry.get(WHERE) or f"annotation {number}"
    if number in seen:
        problems.add(ANNOTATION_TWICE, who)
    seen.add(number)
    image = _integer(entry, "image_id")
    if image not in images:
        problems.add(IMAGE_UNKNOWN, f"{who}: {entry.get('image_id')!r}")
    if _integer(entry, "category_id") not in categories:
        problems.add(CATEGORY_UNKNOWN, f"{who}: {entry.get('category_id')!r}")
    area = entry.get("area")
    if area is not None and (not is_number(area) or area < 0):
        problems.add(AREA, f"{who}: {area!r}")
    if entry.get("iscrowd", 0) not in (0, 1):
        problems.add(CROWD, f"{who}: {entry['iscrowd']!r}")
    box = _box(who, entry.get("bbox"), images.get(image), problems)
    return box if problems.total == before else None


def _box(who, bbox, image, problems):
    corners = bbox if isinstance(bbox, list) else []
    if len(corners) != 4 or not all(map(is_number, corners)):
        problems.add(NO_BOX, f"{who}: {bbox!r}")
        return None
    left, top, width, height = corners
    right, bottom = left + width, top + height
    if width <= 0 or height <= 0:
        problems.add(EMPTY, f"{who}: {bbox}")
    if width <= 0 or height <= 0 or not image:
        return None
    far_right, far_bottom = image.get("width"), image.get("height")
    if far_right is None or far_bottom is None:
        # The file could not be asked, and the annotation goes with it.
        return None
    box = (
        max(top, 0),
        max(left, 0),
        min(bottom, far_bottom),
        min(right, far_right),
    )
    if (
        min(top, left) < -TOLERANCE
        or right > far_right + TOLERANCE
        or bottom > far_bottom + TOLERANCE
        or box[0] >= box[2]
        or box[1] >= box[3]
    ):
        size = _size((far_right, far_bottom))
        problems.add(OUTSIDE, f"{who}: {bbox} in {size} ({image['file_name']})")
        return None
    return box


def _integer(entry, key):
    """An entry's value, or None where that is no integer of 64 bits."""
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if is_integer(value) and abs(value) <= _LARGEST else None


def _size(size):
    return f"{size[0]}x{size[1]}"
