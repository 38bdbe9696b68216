"""Names of images that no file has, and such as lead out of the folder."""

import json
import pathlib

import pytest

from detection.data import image_checks
from detection.data.annotations import read_annotations
from detection.data.file_names import image_ids
from detection.data.problems import DataError
from detection.evaluation.ground_truth import read_ground_truth
from detection.evaluation.images import annotated_images
from nasnet_tf import InputError
from tests.conftest import line_of
from tests.data.image_sets import photo
from tests.detection.coco_sets import coco_set, write_set


def renamed(folder, names):
    """A set whose images have other names in the annotations."""
    images, annotations = write_set(folder)
    content = coco_set()
    for row in content["images"]:
        row["file_name"] = names.get(row["file_name"], row["file_name"])
    annotations.write_text(json.dumps(content))
    return images, annotations


@pytest.mark.parametrize(
    ("name", "kind", "meant"),
    [
        ("A.JPG", image_checks.OTHER_LETTERS, "a.jpg"),
        ("images/a.jpg", image_checks.OTHER_FOLDERS, "a.jpg"),
        ("data/train/a.JPG", image_checks.OTHER_FOLDERS, "a.jpg"),
        ("C:\\data\\a.jpg", image_checks.OTHER_FOLDERS, "a.jpg"),
        ("d.jpg", image_checks.MISSING, None),
        ("d" * 300, image_checks.NO_FILE, None),
    ],
)
def test_a_name_that_no_file_has_is_told_the_nearest(
    tmp_path, name, kind, meant
):
    images, annotations = renamed(tmp_path, {"a.jpg": name})
    with pytest.raises(DataError) as error:
        read_annotations(annotations, images)
    assert error.value.problems.counts == {kind: 1}
    hint = f": did you mean {meant!r}?" if meant else ""
    assert f"{kind}: 1 ({name[:70]}{hint}" in line_of(error)
    with pytest.raises(InputError) as error:
        annotated_images(images, read_ground_truth(annotations))
    assert f"did you mean {meant!r}?" in line_of(error) or not meant


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("below\\b.jpg", image_checks.BACKSLASHES),
        ("Below/B.jpg", image_checks.OTHER_LETTERS),
        ("b.jpg", image_checks.OTHER_FOLDERS),
    ],
)
def test_a_name_in_another_folder(tmp_path, name, kind):
    images, annotations = renamed(tmp_path, {"below/b.jpg": name})
    with pytest.raises(DataError) as error:
        read_annotations(annotations, images)
    assert error.value.problems.counts == {kind: 1}
    assert "did you mean 'below/b.jpg'?" in line_of(error)


def test_the_folder_that_all_are_relative_to_is_named(tmp_path):
    own = ("a.jpg", "below/b.jpg", "c.jpg")
    longer = {name: f"images/{name}" for name in own}
    images, annotations = renamed(tmp_path, longer)
    with pytest.raises(DataError) as error:
        read_annotations(annotations, images)
    assert line_of(error) == (
        f"images: {images} has none of the 3 images of {annotations} (the "
        "first: 'images/a.jpg'; did you mean 'a.jpg'? give --images="
        f"{tmp_path}); give the folder that its file names are relative to"
    )
    _, annotations = renamed(tmp_path, {})
    with pytest.raises(DataError) as error:
        read_annotations(annotations, tmp_path)
    assert f"'images/a.jpg'? give --images={images})" in line_of(error)


def test_images_outside_the_folder_are_read_if_that_is_allowed(tmp_path):
    photo(0).save(tmp_path / "out.jpg")
    for name in (
        "../out.jpg",
        "below/../../out.jpg",
        str(tmp_path / "out.jpg"),
    ):
        images, annotations = renamed(tmp_path, {"a.jpg": name})
        with pytest.raises(DataError) as error:
            read_annotations(annotations, images)
        assert error.value.problems.counts == {image_checks.OUTSIDE_FOLDER: 1}
        assert "--allow_outside" in line_of(error)
        data = read_annotations(annotations, images, allow_outside=True)
        assert data.images[0].num_bytes > 0
        data = read_annotations(annotations, images, skip_bad=True)
        assert [image.id for image in data.images] == [7, 300]
        truth = read_ground_truth(annotations)
        with pytest.raises(InputError) as error:
            annotated_images(images, truth)
        assert "names 1 that lead out of" in line_of(error)
        assert len(annotated_images(images, truth, allow_outside=True)) == 3


def test_image_ids():
    def ids(*names):
        return image_ids([pathlib.Path(name) for name in names])

    assert ids("000000000139.jpg", "7.png") == [139, 7]
    assert ids("0139.jpg", "a/139.png") == [1, 2]
    assert ids("139.jpg", "cat.jpg") == [1, 2]
    assert ids("٣.jpg") == [1]
