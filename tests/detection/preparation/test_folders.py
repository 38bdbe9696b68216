"""Annotations are found where tools put them, and are the same in all."""

import pathlib

import pytest

from detection.preparation.folders import read_sets
from detection.preparation.split import hold_out
from nasnet_tf.checks.errors import InputError
from tests.conftest import line_of
from tests.detection.preparation.folders_of_tools import (
    CATEGORIES,
    PARTED,
    PICTURES,
    TRAINING,
    VALIDATION,
    WHOLE,
    coco_flat,
    roboflow_coco,
    write_coco,
    write_pictures,
)


def boxes(data):
    """By picture: names of categories, and boxes in hundredths of a pixel."""
    return {
        pathlib.Path(image.file_name).stem: [
            (data.categories[a.category_id], [round(v, 2) for v in a.box])
            for a in image.annotations
        ]
        for image in data.images
    }


EXPECTED = {
    name: [
        (CATEGORIES[category], [y, x, y + h, x + w])
        for category, (x, y, w, h) in objects
    ]
    for name, objects in PICTURES.items()
}


@pytest.mark.parametrize("write", WHOLE, ids=lambda f: f.__name__)
def test_a_folder_of_one_set(write, tmp_path):
    write(tmp_path)
    sets = read_sets(tmp_path)
    assert list(sets) == ["train"]
    assert boxes(sets["train"]) == EXPECTED
    for image in sets["train"].images:
        assert (tmp_path / image.file_name).is_file()
    # By their names, the same pictures in all formats.
    training, held_out = hold_out(sets["train"].images)
    names = {pathlib.Path(image.file_name).stem for image in held_out}
    assert names == {"empty", "p0"}
    assert len(training) == 4


@pytest.mark.parametrize("write", PARTED, ids=lambda f: f.__name__)
def test_a_folder_of_two_sets(write, tmp_path):
    write(tmp_path)
    sets = read_sets(tmp_path)
    for name, pictures in (("train", TRAINING), ("validation", VALIDATION)):
        expected = {picture: EXPECTED[picture] for picture in pictures}
        assert boxes(sets[name]) == expected
        assert sets[name].categories == sets["train"].categories
        for image in sets[name].images:
            assert (tmp_path / image.file_name).is_file()


def test_a_share_is_held_out_by_name(tmp_path):
    coco_flat(tmp_path)
    images = read_sets(tmp_path, False)["train"].images
    _, held_out = hold_out(images)
    _, reversed_out = hold_out(images[::-1])
    assert {i.id for i in held_out} == {i.id for i in reversed_out}
    training, held_out = hold_out(images[:3])
    assert len(training) == 2 and len(held_out) == 1
    with pytest.raises(InputError, match="1 image leaves none"):
        hold_out(images[:1])


def several(root):
    coco_flat(root)
    write_coco(root / "other.json", TRAINING)


def other_category(root):
    roboflow_coco(root)
    path = root / "valid" / "_annotations.coco.json"
    path.write_text(path.read_text().replace('"car"', '"lorry"'))


@pytest.mark.parametrize(
    "write, line",
    [
        (lambda root: root.rmdir(), "is not a folder; give one of images"),
        (
            lambda root: write_pictures(root, TRAINING),
            "has no annotations: neither a COCO file",
        ),
        (several, "has annotations in several places (other.json, result.json"),
        (other_category, "the category 'lorry' of the images to evaluate on"),
    ],
)
def test_what_is_not_plain_is_one_line(write, line, tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    write(root)
    with pytest.raises(InputError) as error:
        read_sets(root)
    text = line_of(error)
    assert text.startswith("data: ") and line in text
