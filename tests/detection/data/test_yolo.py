"""YOLO's label files."""

import json

import pytest

from detection.data import checks
from detection.data.annotations import read_annotations
from detection.data.conversion import convert_coco
from detection.data.problems import DataError
from detection.evaluation.ground_truth import read_ground_truth
from detection.evaluation.measures import measure
from nasnet_tf import InputError
from tests.conftest import line_of
from tests.data.image_sets import photo
from tests.detection.data.test_records import decoded

# Of images of 48x40 pixels.
LABELS = {
    "a": "2 0.5 0.25 0.5 0.1\n\n0 0.5 0.5 1 1\n",
    "below/b": "1 0.25 0.2 0.75 0.2 0.75 0.7 0.25 0.6\n",
}


def write_yolo(folder, labels=LABELS, names="cat\ndog\nbird\n"):
    """Three images, of which the last has no labels."""
    images, texts = folder / "images" / "train", folder / "labels" / "train"
    for place in (images, texts):
        (place / "below").mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(("a.jpg", "below/b.png", "c.jpg")):
        photo(number).save(images / name)
    for name, text in labels.items():
        (texts / f"{name}.txt").write_text(text)
    if names:
        (folder / "classes.txt").write_text(names)
    return images, texts


def test_boxes_are_parts_of_their_images(tmp_path):
    images, texts = write_yolo(tmp_path)
    data = read_annotations(texts, images)
    assert data.format == "yolo"
    assert data.categories == {0: "cat", 1: "dog", 2: "bird"}
    names = [image.file_name for image in data.images]
    assert names == ["a.jpg", "below/b.png", "c.jpg"]
    assert [image.id for image in data.images] == [1, 2, 3]
    bird, cat = data.images[0].annotations
    assert bird.category_id == 2
    assert bird.box == pytest.approx((8, 12, 12, 36))
    assert bird.area == pytest.approx(96)
    assert cat.box == (0, 0, 40, 48)
    (dog,) = data.images[1].annotations
    assert dog.box == pytest.approx((8, 12, 28, 36))
    assert data.images[2].annotations == ()


def test_records_and_a_coco_file_for_the_evaluation(tmp_path):
    images, texts = write_yolo(tmp_path)
    data, written = convert_coco(images, texts, tmp_path / "out")
    assert written.num_classes == 4
    example = decoded(written.paths)[1]
    assert example["groundtruth_classes"].tolist() == [3, 1]
    again = read_annotations(written.annotations, images)
    assert again.categories == data.categories
    truth = read_ground_truth(written.annotations)
    # Results have the classes of the files, from 0.
    results = [
        {key: row[key] for key in ("image_id", "category_id", "bbox")}
        | {"score": 0.5}
        for row in truth.dataset["annotations"]
    ]
    assert {row["category_id"] for row in results} == {0, 1, 2}
    assert measure(truth, results).numbers["AP"] == pytest.approx(1)


@pytest.mark.parametrize(
    "text",
    [
        "names: [cat, dog, bird]\n",
        "names: {0: cat, 1: dog, 2: bird}\n",
        "names:\n- cat\n- dog\n- bird\nnc: 3\n",
    ],
)
@pytest.mark.parametrize("train", ["images/train", "../images/train"])
def test_a_data_yaml_gives_names_and_images(tmp_path, text, train):
    root = tmp_path / "set"
    write_yolo(root, names=None)
    file = root / "data.yaml"
    file.write_text(f"train: {train}\nval: images/val\n{text}")
    data, written = convert_coco(None, file, tmp_path / "out")
    assert data.categories == {0: "cat", 1: "dog", 2: "bird"}
    assert (written.images, written.boxes) == (3, 3)
    # The label files' folder finds it too.
    again = read_annotations(root / "labels" / "train", root / "images/train")
    assert again.categories == data.categories
    with pytest.raises(InputError) as error:
        convert_coco(None, file, tmp_path / "out", "validation")
    assert "gives 'images/val' for the set 'validation'" in line_of(error)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("0 0.5 0.5 1", checks.NO_BOX),
        ("0 0.5 0.5 0.1 0.1 0.9", checks.NO_BOX),
        ("0 0.5 0.5 x 0.1", checks.NO_BOX),
        ("0 0.5 0.5 nan 0.1", checks.NO_BOX),
        ("0 0.1 0.1 0.2 0.2", None),
        ("0 0.5 0.5 0 0.1", checks.EMPTY),
        ("0 50 50 10 10", checks.OUTSIDE),
        ("3 0.5 0.5 0.1 0.1", checks.CATEGORY_UNKNOWN),
        ("0.5 0.5 0.5 0.1 0.1", checks.CATEGORY_UNKNOWN),
        ("dog 0.5 0.5 0.1 0.1", checks.CATEGORY_UNKNOWN),
        ("1.0 0.5 0.5 0.1 0.1", None),
    ],
)
def test_bad_lines_are_named(tmp_path, line, kind):
    images, texts = write_yolo(tmp_path, {**LABELS, "c": f"\n{line}\n"})
    if kind is None:
        read_annotations(texts, images)
        return
    with pytest.raises(DataError) as error:
        read_annotations(texts, images)
    assert error.value.problems.counts == {kind: 1}
    assert f"{kind}: 1 (c.txt, line 2: " in line_of(error)
    data = read_annotations(texts, images, skip_bad=True)
    assert (data.dropped_images, data.dropped_annotations) == (0, 1)


def test_files_that_do_not_belong_together(tmp_path):
    images, texts = write_yolo(tmp_path, {**LABELS, "d": "0 0.5 0.5 1 1\n"})
    with pytest.raises(DataError) as error:
        read_annotations(texts, images)
    assert error.value.problems.counts == {checks.UNPAIRED: 1}
    (texts / "d.txt").unlink()
    (texts / "c.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"c.txt: no text in UTF-8"):
        read_annotations(texts, images)
    data = read_annotations(texts, images, skip_bad=True)
    assert [image.file_name for image in data.images] == [
        "a.jpg",
        "below/b.png",
    ]
    with pytest.raises(InputError) as error:
        read_annotations(tmp_path / "labels", images)
    assert "of which none has the name of another" in line_of(error)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("", "has no list of names"),
        ("cat\n\ndog\n", "has no list of names"),
        (None, "no classes.txt, obj.names, data.yaml in"),
    ],
)
def test_names_that_are_missing_are_one_line(tmp_path, names, words):
    images, texts = write_yolo(tmp_path, names=None)
    if names is not None:
        (tmp_path / "classes.txt").write_text(names)
    with pytest.raises(InputError) as error:
        read_annotations(texts, images)
    line = line_of(error)
    assert line.startswith("labels: ") and words in line
    given = tmp_path / "given.txt"
    given.write_text("cat\ndog\nbird\n")
    data = read_annotations(texts, images, labels=given)
    assert data.categories[2] == "bird"


@pytest.mark.parametrize(
    "text", ["a: [", "7", "names: 7\n", "names: {a: b}\n", "[" * 5000]
)
def test_a_damaged_yaml_is_one_line(tmp_path, text):
    images, _ = write_yolo(tmp_path)
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        read_annotations(tmp_path / "data.yaml", images)
    assert line_of(error).startswith("annotations: ")


def test_a_photo_that_exif_turns_is_counted(tmp_path):
    images, texts = write_yolo(tmp_path)
    picture = photo(0)
    exif = picture.getexif()
    exif[274] = 6
    picture.save(images / "a.jpg", exif=exif)
    data = read_annotations(texts, images)
    assert (data.unclear_turns, data.images[0].width) == (1, 48)
    assert data.images[0].annotations[0].box == pytest.approx((8, 12, 12, 36))


def test_a_damaged_image_goes_with_its_labels(tmp_path):
    images, texts = write_yolo(tmp_path)
    (images / "a.jpg").write_text("no image")
    data = read_annotations(texts, images, skip_bad=True)
    assert [image.id for image in data.images] == [2, 3]


def test_labels_of_a_coco_file_are_refused(tmp_path):
    images, texts = write_yolo(tmp_path)
    _, written = convert_coco(images, texts, tmp_path / "out")
    with pytest.raises(InputError, match="names its categories itself"):
        read_annotations(
            written.annotations, images, labels=tmp_path / "classes.txt"
        )
    assert json.loads(written.annotations.read_text())["images"][0]["id"] == 1
