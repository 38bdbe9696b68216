"""Photos that their EXIF data turn, annotated as seen or as stored."""

import json

import numpy as np
import pytest
from PIL import Image

from detection.data.annotations import read_annotations
from detection.data.problems import DataError
from detection.data.records import write_records
from detection.evaluation.ground_truth import read_ground_truth
from detection.evaluation.images import annotated_images, open_stored
from tests.data.image_sets import photo
from tests.detection.coco_sets import coco_set, write_set
from tests.detection.data.test_records import decoded


def turned_set(folder, turn, stored=(40, 48), kind="jpeg", size=None):
    """A set whose first image of `stored` pixels has EXIF data."""
    content = coco_set()
    row = content["images"][0]
    if size:
        row["width"], row["height"] = size
    images, annotations = write_set(folder, content)
    picture = photo(0, stored[::-1])
    exif = picture.getexif()
    exif[274] = turn
    picture.save(images / "a.jpg", kind, exif=exif)
    return images, annotations


@pytest.mark.parametrize("turn", [5, 6, 7, 8])
@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_photo_annotated_as_seen_is_stored_turned(tmp_path, turn, kind):
    images, annotations = turned_set(tmp_path, turn, kind=kind)
    data = read_annotations(annotations, images)
    image = data.images[0]
    assert (image.width, image.height, image.is_turned) == (48, 40, True)
    assert image.annotations[0].box == (2, 4.5, 12.25, 24.5)
    assert data.unclear_turns == 0
    example = decoded(write_records(data, tmp_path / "out").paths)[11]
    # The evaluation sees the same pixels.
    truth = read_ground_truth(annotations)
    path = annotated_images(images, truth)[11]
    seen = np.asarray(open_stored(path, truth.images[11]))
    assert example["image"].shape == (40, 48, 3)
    assert (example["image"] == seen).all()
    with Image.open(path) as stored:
        way = {5: 5, 6: 4, 7: 6, 8: 2}[turn]
        expected = np.asarray(stored.transpose(way))
    assert (seen == expected).all()


@pytest.mark.parametrize(
    ("turn", "stored", "unclear"),
    [(6, (48, 40), 0), (3, (48, 40), 1), (2, (48, 40), 1), (1, (48, 40), 0)],
)
def test_a_photo_annotated_as_stored_stays_so(
    tmp_path, capsys, turn, stored, unclear
):
    images, annotations = turned_set(tmp_path, turn, stored)
    data = read_annotations(annotations, images)
    assert not data.images[0].is_turned
    assert data.unclear_turns == unclear
    example = decoded(write_records(data, tmp_path / "out").paths)[11]
    truth = read_ground_truth(annotations)
    capsys.readouterr()
    path = annotated_images(images, truth)[11]
    told = capsys.readouterr().err
    assert told.startswith("1 images are taken as stored:") == bool(unclear)
    with Image.open(path) as image:
        assert (np.asarray(image) == open_stored(path, truth.images[11])).all()
        np.testing.assert_allclose(
            example["image"].astype(int), np.asarray(image), atol=4
        )


def test_a_square_or_a_photo_without_size_is_as_stored(tmp_path):
    images, annotations = turned_set(tmp_path, 6, (44, 44), size=(44, 44))
    content = json.loads(annotations.read_text())
    content["annotations"][2]["bbox"] = [3, 3, 9, 9]
    annotations.write_text(json.dumps(content))
    data = read_annotations(annotations, images)
    assert (data.unclear_turns, data.images[0].is_turned) == (1, False)
    images, annotations = turned_set(tmp_path, 8, (48, 40), size=(None, None))
    data = read_annotations(annotations, images)
    assert (data.unclear_turns, data.images[0].width) == (1, 48)


def test_a_size_that_no_turn_gives_stays_bad(tmp_path):
    images, annotations = turned_set(tmp_path, 3)
    with pytest.raises(DataError, match=r"a.jpg: 40x48, annotated 48x40"):
        read_annotations(annotations, images)


def test_damaged_exif_data_turn_nothing(tmp_path):
    images, annotations = write_set(tmp_path)
    photo(0).save(images / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    data = read_annotations(annotations, images)
    assert data.unclear_turns == 0
