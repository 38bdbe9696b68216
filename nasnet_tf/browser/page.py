"""The folder of a page: what is the same for all networks, and settings."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil

from nasnet_tf.images.image_reading import ImageReading

MODEL, LABELS, SETTINGS = "model.tflite", "labels.txt", "settings.json"
SITE = pathlib.Path(__file__).parent / "site"


@dataclasses.dataclass(frozen=True)
class PageSettings:
    """What the page is to know of a network: its file `settings.json`.

    Args:
        title: the page's heading.
        size: `(height, width)` that the network reads.
        channels: 3 for RGB or 1 for grey.
        reading: the part of a picture that it reads.
        input: `"float32"`, or `"uint8"` of a network that takes pixels.
        preprocessing: of pixels of 0 to 255: `"whitening"`, each picture less
            its mean, over its deviation; or `(mean, deviation)`, each of a
            number for each channel: less the one, over the other. None where
            the network takes pixels.
        output: `"probabilities"`, shown as they are, or `"scores"`, of which
            the softmax is shown.
        labelled: whether `labels.txt` lies beside it.
        task: what the network answers; the page knows `"classification"`.
    """

    title: str
    size: tuple[int, int]
    channels: int
    reading: ImageReading
    input: str
    preprocessing: str | tuple[list[float], list[float]] | None
    output: str
    labelled: bool
    task: str = "classification"

    def to_dict(self) -> dict:
        """As the page reads it."""
        height, width = self.size
        preprocessing: str | dict | None
        if isinstance(self.preprocessing, tuple):
            mean, deviation = self.preprocessing
            preprocessing = {"mean": mean, "deviation": deviation}
        else:
            preprocessing = self.preprocessing
        return {
            "title": self.title,
            "task": self.task,
            "model": MODEL,
            "labels": LABELS if self.labelled else None,
            "image": {
                "height": height,
                "width": width,
                "channels": self.channels,
                **self.reading.to_dict(),
            },
            "input": self.input,
            "preprocessing": preprocessing,
            "output": self.output,
        }


def write_page(folder: pathlib.Path, settings: PageSettings) -> None:
    """Writes the page into the folder of `model.tflite` and `labels.txt`.

    It runs once `nasnet_tf.browser.litert_js.add_litert_js` has told it where
    LiteRT.js is.

    Args:
        folder: exists.
        settings: of the network.

    Raises:
        OSError: it cannot be written.
    """
    shutil.copytree(SITE, folder, dirs_exist_ok=True)
    text = json.dumps(settings.to_dict(), indent=2, ensure_ascii=False)
    (folder / SETTINGS).write_text(text + "\n", encoding="utf-8")
