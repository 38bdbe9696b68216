"""COCO files: what is read, and each thing that can be wrong with one."""

import json
import math

import pytest

from detection.data import checks, image_checks
from detection.data.annotations import read_annotations
from detection.data.problems import DataError, Problems
from nasnet_tf import InputError
from tests.conftest import line_of
from tests.data.image_sets import photo
from tests.detection.coco_sets import coco_set, entry, read_set, write_set


def problem(folder, content, kind):
    """The one line of a set with one problem of a kind."""
    with pytest.raises(DataError) as error:
        read_set(folder, content)
    assert error.value.problems.counts == {kind: 1}
    line = line_of(error)
    start = f"annotations: {folder / 'a.json'} has 1 problem: {kind}: 1 ("
    assert line.startswith(start)
    assert line.endswith("or leave out what is bad with --skip_bad")
    return line


def ids(data):
    """Ids of the images with the number of their annotations."""
    return {image.id: len(image.annotations) for image in data.images}


def test_a_good_set_is_read(tmp_path):
    data = read_set(tmp_path)
    assert data.categories == {3: "car", 90: "toothbrush"}
    assert ids(data) == {11: 2, 7: 1, 300: 0}
    image = data.images[0]
    assert image.path == tmp_path / "images" / "a.jpg"
    assert (image.width, image.height) == (48, 40)
    assert image.num_bytes == image.path.stat().st_size
    car, crowd = image.annotations
    assert (car.category_id, car.area, car.is_crowd) == (3, 150.5, False)
    assert car.box == (2, 4.5, 12.25, 24.5)
    assert (crowd.category_id, crowd.area, crowd.is_crowd) == (90, 360, True)
    assert data.problems.counts == {}
    assert (data.dropped_images, data.dropped_annotations) == (0, 0)


def test_a_box_may_reach_one_pixel_over_the_edge(tmp_path):
    content = coco_set()
    content["annotations"][0]["bbox"] = [-0.9, -1, 49.9, 42]
    (box, _) = read_set(tmp_path, content).images[0].annotations
    assert box.box == (0, 0, 40, 48)
    content["annotations"][0]["bbox"] = [-0.9, -1, 49.9, 42.01]
    line = problem(tmp_path, content, checks.OUTSIDE)
    assert "(annotation 1: [-0.9, -1, 49.9, 42.01] in 48x40 (a.jpg))" in line


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ([4, 2, 0, 10], checks.EMPTY),
        ([4, 2, 10, 0.0], checks.EMPTY),
        ([20, 20, -10, -10], checks.EMPTY),
        ([4, 2, 10, math.nan], checks.NO_BOX),
        ([4, math.inf, 10, 10], checks.NO_BOX),
        ([4, 10**400, 10, 10], checks.NO_BOX),
        ([4, 2, 10], checks.NO_BOX),
        ([4, 2, 10, "10"], checks.NO_BOX),
        ([4, 2, 10, True], checks.NO_BOX),
        (None, checks.NO_BOX),
        ([40, 2, 10, 10], checks.OUTSIDE),
        ([4, 35, 10, 10], checks.OUTSIDE),
        ([-2, 5, 10, 10], checks.OUTSIDE),
        ([5, -2, 10, 10], checks.OUTSIDE),
        ([48.1, 5, 0.5, 10], checks.OUTSIDE),
        ([-0.6, 5, 0.5, 10], checks.OUTSIDE),
    ],
)
def test_a_bad_box_is_one_line_and_dropped_alone(tmp_path, box, kind):
    content = coco_set()
    content["annotations"][0]["bbox"] = box
    line = problem(tmp_path, content, kind)
    assert f"{kind}: 1 (annotation 1: " in line
    data = read_set(tmp_path, content, skip_bad=True)
    assert ids(data) == {11: 1, 7: 1, 300: 0}
    assert data.problems.counts == {kind: 1}
    assert (data.dropped_images, data.dropped_annotations) == (0, 1)


@pytest.mark.parametrize(
    ("field", "value", "kind", "shown"),
    [
        ("id", 2, checks.ANNOTATION_TWICE, "annotation 2"),
        ("id", "x", checks.ANNOTATION, ""),
        ("image_id", 12, checks.IMAGE_UNKNOWN, "annotation 3: 12"),
        ("image_id", [11], checks.IMAGE_UNKNOWN, "annotation 3: [11]"),
        ("category_id", 91, checks.CATEGORY_UNKNOWN, "annotation 3: 91"),
        ("category_id", "x", checks.CATEGORY_UNKNOWN, "annotation 3: 'x'"),
        ("category_id", None, checks.CATEGORY_UNKNOWN, "annotation 3: None"),
        ("area", -1, checks.AREA, "annotation 3: -1"),
        ("area", math.nan, checks.AREA, "annotation 3: nan"),
        ("iscrowd", 2, checks.CROWD, "annotation 3: 2"),
        ("iscrowd", None, checks.CROWD, "annotation 3: None"),
    ],
)
def test_a_bad_annotation_is_one_line_and_dropped_alone(
    tmp_path, field, value, kind, shown
):
    content = coco_set()
    content["annotations"][2][field] = value
    assert f"{kind}: 1 ({shown}" in problem(tmp_path, content, kind)
    data = read_set(tmp_path, content, skip_bad=True)
    assert ids(data) == {11: 1, 7: 1, 300: 0}
    assert data.images[0].annotations[0].category_id == 3


def test_an_annotation_that_is_no_object(tmp_path):
    content = coco_set()
    content["annotations"].append("\n" * 200)
    line = problem(tmp_path, content, checks.ANNOTATION)
    assert len(line) < 400
    assert ids(read_set(tmp_path, content, skip_bad=True))[11] == 2


@pytest.mark.parametrize(
    ("change", "kind", "shown"),
    [
        ({"file_name": "d.jpg"}, image_checks.MISSING, "d.jpg"),
        ({"file_name": "a\nb.jpg"}, image_checks.MISSING, r"'a\nb.jpg'"),
        ({"file_name": "below"}, image_checks.NO_FILE, "below: "),
        ({"file_name": "\0"}, image_checks.NO_FILE, ""),
        (
            {"width": 47},
            image_checks.OTHER_SIZE,
            "a.jpg: 48x40, annotated 47x40",
        ),
        ({"width": "48"}, checks.IMAGE, "image 11: {"),
        ({"height": 0}, checks.IMAGE, "image 11: {"),
        ({"file_name": None}, checks.IMAGE, "image 11: {"),
    ],
)
def test_a_bad_image_is_one_line_and_goes_with_its_annotations(
    tmp_path, change, kind, shown
):
    content = coco_set()
    content["images"][0] |= change
    # Else its box would be outside.
    content["annotations"][2]["bbox"] = [30, 20, 10, 10]
    assert f"{kind}: 1 ({shown}" in problem(tmp_path, content, kind)
    data = read_set(tmp_path, content, skip_bad=True)
    assert ids(data) == {7: 1, 300: 0}
    assert (data.dropped_images, data.dropped_annotations) == (1, 2)


@pytest.mark.parametrize("number", ["x", "1.0", None, -1, 11.5, True, 2**70])
def test_an_image_id_that_is_no_integer(tmp_path, number):
    """Its annotations know another image or none."""
    content = coco_set()
    content["images"][2]["id"] = number
    problem(tmp_path, content, checks.IMAGE)
    assert ids(read_set(tmp_path, content, skip_bad=True)) == {11: 2, 7: 1}


def test_images_that_share_an_id_are_dropped_with_their_annotations(tmp_path):
    content = coco_set()
    content["images"][2]["id"] = 11
    line = problem(tmp_path, content, checks.IMAGE_TWICE)
    assert "(image 11: c.jpg)" in line
    data = read_set(tmp_path, content, skip_bad=True)
    assert ids(data) == {7: 1}
    assert (data.dropped_images, data.dropped_annotations) == (2, 2)


@pytest.mark.parametrize(
    ("category", "kind", "left"),
    [
        ({"id": -1, "name": "toothbrush"}, checks.CATEGORY_BELOW, {3: "car"}),
        ({"id": "x", "name": "x"}, checks.CATEGORY, {3: "car"}),
        ({"id": 90, "name": ""}, checks.CATEGORY, {3: "car"}),
        ({"id": 90}, checks.CATEGORY, {3: "car"}),
        ({"id": 3, "name": "cart"}, checks.CATEGORY_TWICE, {3: "car"}),
    ],
)
def test_a_bad_category_is_one_line_and_goes_with_its_annotations(
    tmp_path, category, kind, left
):
    content = coco_set()
    content["categories"][1] = category
    number = category["id"]
    content["annotations"] = [
        entry(1, 11, 3, [4, 2, 20, 10]),
        *([entry(2, 7, number, [0, 0, 9, 9])] if number in (-1, 90) else []),
    ]
    problem(tmp_path, content, kind)
    data = read_set(tmp_path, content, skip_bad=True)
    assert data.categories == left
    assert data.dropped_categories == 1
    assert ids(data) == {11: 1, 7: 0, 300: 0}


def test_damaged_files_are_found_by_their_headers_and_ends(tmp_path):
    images, annotations = write_set(tmp_path)
    path = images / "a.jpg"
    whole = path.read_bytes()

    def found():
        # No option is needed: they are skipped and named.
        data = read_annotations(annotations, images)
        return list(data.problems.counts), ids(data)

    good = [], {11: 2, 7: 1, 300: 0}
    bad = [image_checks.UNREADABLE_FILE], {7: 1, 300: 0}
    for content, expected in [
        (whole[:-2], bad),
        (whole[:200], bad),
        # TensorFlow's decoder stops at an unknown marker too.
        (whole[:-90] + b"\xff\x69" + whole[-88:], bad),
        (b"", bad),
        (b"no image", bad),
        (whole + b"\0" * 9, good),
        (whole, good),
    ]:
        path.write_bytes(content)
        assert found() == expected
    for suffix in ("png", "webp", "gif", "bmp"):
        photo(0).save(path, suffix)
        whole = path.read_bytes()
        assert found() == good
        path.write_bytes(whole[: len(whole) // 2])
        assert found() == bad
    photo(0).save(path, "png")
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 255
    path.write_bytes(whole)
    assert found() == bad
    photo(0).save(path, "png")
    path.write_bytes(path.read_bytes() + b"more")
    assert found() == good


def test_strict_refuses_images_that_cannot_be_read(tmp_path):
    images, annotations = write_set(tmp_path)
    (images / "a.jpg").write_bytes(b"no image")
    left = read_annotations(annotations, images).left_out
    assert left == (
        "left out 1 images, 2 annotations (theirs included) and 0 categories"
    )
    with pytest.raises(DataError) as error:
        read_annotations(annotations, images, strict=True)
    assert error.value.problems.counts == {image_checks.UNREADABLE_FILE: 1}
    with pytest.raises(InputError) as error:
        read_annotations(annotations, images, skip_bad=True, strict=True)
    assert line_of(error) == (
        "strict: refuses what skip_bad leaves out; give one of them"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is no JSON (Expecting property name"),
        ("", "is no JSON (Expecting value"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "has no list of images"),
        ('{"images": []}', "has no images: its list is empty"),
        ('{"images": [1], "annotations": 5}', "has no list of annotations"),
        ('{"images": [1], "annotations": []}', "has no annotations: its"),
        ('{"images": [1], "annotations": [1]}', "has no list of categories"),
    ],
)
def test_a_file_that_is_not_cocos_is_one_line(tmp_path, content, words):
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(InputError) as error:
        read_annotations(path, tmp_path)
    line = line_of(error)
    assert line.startswith(f"annotations: {path} {words}")
    assert "; give a" in line


def test_a_file_that_cannot_be_decoded_as_text(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"\xff\xfe": 1}')
    with pytest.raises(InputError) as error:
        read_annotations(tmp_path / "a.json", tmp_path)
    assert "is no JSON" in line_of(error)


def test_paths_that_lead_nowhere(tmp_path):
    images, annotations = write_set(tmp_path)
    with pytest.raises(InputError) as error:
        read_annotations(tmp_path / "b.json", images)
    assert "b.json cannot be read (No such file or directory)" in line_of(error)
    with pytest.raises(InputError) as error:
        read_annotations(annotations, tmp_path / "none")
    assert "none is not a folder; give the one" in line_of(error)
    (tmp_path / "empty").mkdir()
    for skip_bad in (False, True):
        with pytest.raises(DataError) as error:
            read_annotations(annotations, tmp_path / "empty", skip_bad)
        assert line_of(error) == (
            f"images: {tmp_path / 'empty'} has none of the 3 images of "
            f"{annotations} (the first: 'a.jpg'); give the folder that its "
            "file names are relative to"
        )


@pytest.mark.parametrize("workers", [0, -1, 1.5])
def test_bad_workers(tmp_path, workers):
    with pytest.raises(InputError) as error:
        read_set(tmp_path, workers=workers)
    assert line_of(error).startswith(f"workers: {workers} is not a positive")


def test_nothing_left_is_an_error_with_skip_bad_too(tmp_path):
    content = coco_set()
    for annotation in content["annotations"]:
        annotation["bbox"] = [1, 1, 0, 0]
    with pytest.raises(DataError) as error:
        read_set(tmp_path, content, skip_bad=True)
    assert (
        "has no good annotation left: boxes empty or negative: 3 (annotation"
        in line_of(error)
    )


def test_all_problems_are_counted_at_once(tmp_path):
    """An annotation can have several; one of a bad image's is counted too."""
    content = coco_set()
    content["images"][0]["file_name"] = "d.jpg"
    content["annotations"] += [
        entry(number, 11, 8, [1, 1, 0, 5]) for number in range(4, 12)
    ]
    content["annotations"][-1] |= {"image_id": 5, "area": -1.0}
    with pytest.raises(DataError) as error:
        read_set(tmp_path, content)
    assert error.value.problems.counts == {
        image_checks.MISSING: 1,
        checks.IMAGE_UNKNOWN: 1,
        checks.CATEGORY_UNKNOWN: 8,
        checks.EMPTY: 8,
        checks.AREA: 1,
    }
    assert line_of(error) == (
        f"annotations: {tmp_path / 'a.json'} has 19 problems: image files "
        "missing: 1 (d.jpg); image ids of annotations unknown: 1 (annotation "
        "11: 5); category ids of annotations unknown: 8 (annotation 4: 8, "
        "annotation 5: 8, ...); other kinds: 9; mend them, or leave out what "
        "is bad with --skip_bad"
    )
    data = read_set(tmp_path, content, skip_bad=True)
    assert ids(data) == {7: 1, 300: 0}
    assert (data.dropped_images, data.dropped_annotations) == (1, 10)


def test_the_report_has_counts_and_the_first_offenders():
    problems = Problems(("small", "none", "large"))
    problems.add("small", "a\nb" * 100)
    for number in range(1234):
        problems.add("large", f"number {number}")
    assert problems.total == 1235
    assert problems.counts == {"small": 1, "large": 1234}
    lines = problems.report().splitlines()
    assert [line.strip() for line in lines[2:]] == [
        "1,234  large",
        *(f"number {number}" for number in range(5)),
        "and 1,229 more",
    ]
    assert lines[0] == "    1  small"
    assert lines[1].startswith(r"         'a\nb") and len(lines[1]) < 100


def test_fields_that_coco_may_leave_out(tmp_path):
    content = json.loads(json.dumps(coco_set()))
    del content["annotations"][0]["area"]
    del content["annotations"][0]["segmentation"]
    content["annotations"][1] |= {"area": None, "iscrowd": 0}
    data = read_set(tmp_path, content)
    assert data.images[0].annotations[0].area == 205
    assert data.images[1].annotations[0].area == 1920
