"""What tests of predictions begin with."""

import pytest

from tests.detection.results import coco_set, write_images


@pytest.fixture
def dataset():
    return coco_set()


@pytest.fixture
def images(tmp_path, dataset):
    return write_images(tmp_path / "images", dataset)
