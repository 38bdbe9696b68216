"""A small set in COCO's format, detections of it, and a detector."""

import json

import numpy as np
from PIL import Image

from detection.detectors.detections import Detections
from detection.evaluation.ground_truth import read_ground_truth

# Ids with gaps, as COCO's are.
CATEGORIES = {1: "person", 3: "car", 7: "tea pot", 8: "umbrella"}
SIZE = (200, 160)
# What a prediction writes.
FILES = {"drawn", "contact_sheet.jpg", "predictions.json", "images.json"}


def coco_set(images=6, seed=0):
    """Objects of all areas, some of them crowds; no umbrellas."""
    generator = np.random.default_rng(seed)
    annotations = []
    for number in range(images * 5):
        width, height = generator.uniform((6, 6), (150, 120))
        left, top = generator.uniform(
            (0, 0), np.subtract(SIZE, (width, height))
        )
        annotations.append(
            {
                "id": 100 + number,
                "image_id": 11 + number % images,
                "category_id": int(generator.choice([1, 3, 7])),
                "bbox": [round(v, 2) for v in (left, top, width, height)],
                "area": round(width * height * generator.uniform(0.5, 1), 3),
                "iscrowd": int(number % 7 == 3),
            }
        )
    return {
        "images": [
            {
                "id": 11 + number,
                "file_name": f"{11 + number:06}.png",
                "width": SIZE[0],
                "height": SIZE[1],
            }
            for number in range(images)
        ],
        "annotations": annotations,
        "categories": [{"id": i, "name": n} for i, n in CATEGORIES.items()],
    }


def detections_of(dataset, seed=0):
    """Results near the annotations, with wrong classes and equal scores."""
    generator = np.random.default_rng(seed)
    results = []
    for row in dataset["annotations"]:
        for _ in range(generator.integers(0, 4)):
            left, top, width, height = row["bbox"]
            shift = generator.normal(0, 0.07, 4)
            category = row["category_id"]
            if generator.random() < 0.2:
                category = int(generator.choice(list(CATEGORIES)))
            results.append(
                {
                    "image_id": row["image_id"],
                    "category_id": category,
                    "bbox": [
                        left + shift[0] * width,
                        top + shift[1] * height,
                        width * abs(1 + shift[2]),
                        height * abs(1 + shift[3]),
                    ],
                    "score": round(float(generator.random()), 1),
                }
            )
    return results


def write_json(path, value):
    path.write_text(json.dumps(value))
    return path


def truth_of(folder, dataset):
    """A set as `read_ground_truth` gives it, by way of a file."""
    return read_ground_truth(write_json(folder / "truth.json", dataset))


def write_images(folder, dataset):
    """The images of a set: the boxes in grey on noise."""
    folder.mkdir()
    for row in dataset["images"]:
        generator = np.random.default_rng(row["id"])
        pixels = generator.integers(60, 200, (*SIZE[::-1], 3), "uint8")
        # The detector below knows an image by this pixel.
        pixels[0, 0] = row["id"]
        Image.fromarray(pixels).save(folder / row["file_name"])
    return folder


class FakeDetector:
    """Finds what is annotated, each object 2 pixels to the right of it.

    Args:
        dataset: of `coco_set`.
        scores: of the first, second... object of an image.
    """

    name = "checkpoint ckpt-40 of runs/x"
    num_classes = 9

    def __init__(self, dataset, scores=(0.9, 0.8, 0.45, 0.4, 0.3)):
        self.dataset = dataset
        self.scores = np.float32(scores)
        self.categories = dict(CATEGORIES)
        self.seen = []

    def detect(self, image):
        assert image.dtype == "uint8" and image.shape == (*SIZE[::-1], 3)
        number = int(image[0, 0, 0])
        self.seen.append(number)
        rows = [
            row
            for row in self.dataset["annotations"]
            if row["image_id"] == number
        ]
        boxes = np.array([row["bbox"] for row in rows], "float32")
        left, top, width, height = boxes.reshape(-1, 4).T
        edges = (top, left + 2, top + height, left + width + 2)
        return Detections(
            np.stack(edges, axis=1),
            self.scores[: len(rows)],
            np.array([row["category_id"] for row in rows], "int32"),
        )


def install(monkeypatch, detector):
    """Lets `load_detector` give a detector; returns the paths it is given."""
    import sys
    import types

    asked = []

    def load_detector(path, checkpoint=None, bfloat16=False):
        asked.append(path)
        detector.checkpoint = checkpoint
        return detector

    module = types.ModuleType("detection.detectors")
    module.load_detector = load_detector
    monkeypatch.setitem(sys.modules, "detection.detectors", module)
    return asked
