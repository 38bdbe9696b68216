"""What an export made."""

from __future__ import annotations

import dataclasses
import pathlib
import statistics

from export.comparison.parity import Parity
from export.runtime.timing import Timing
from export.targets import get_target


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """An exported model and what was measured of it.

    Args:
        folder: that holds the files.
        model: path of the exported file, or of the SavedModel's folder.
        files: bytes of each file in the folder, by name; a folder's
            together, and of a page's folder the network's file too.
        format: see `export.job.export_model`, and so for `quantize` and
            `input_type`.
        parity: with the Keras model.
        accuracy: top-1 of the Keras model and of the exported file on the
            images of `parity`, 0 to 1; None without labels.
        timing: of runs on one image on one thread, on this machine.
        operations: of the network as it was read, and as exported.
        rewrites: names of those that were made.
        calibration: images of int8, for people; None of others.
        seconds: of the whole export.
        skipped: images that could not be read, for people; "" for none.
    """

    folder: pathlib.Path
    model: pathlib.Path
    files: dict[str, int]
    format: str
    quantize: str
    input_type: str
    parity: Parity
    accuracy: tuple[float, float] | None
    timing: Timing
    operations: tuple[int, int]
    rewrites: tuple[str, ...]
    calibration: str | None
    seconds: float
    skipped: str = ""

    @property
    def size(self) -> int:
        """Bytes of the exported model; of a page, of its network."""
        return self.files[get_target(self.format).network_file]

    @property
    def latency(self) -> float:
        """Seconds of the median run on one image on one thread."""
        return statistics.median(self.timing.seconds)


def path_size(path: pathlib.Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


def size_text(size: int) -> str:
    """Bytes for people."""
    if size < 1e3:
        return f"{size} bytes"
    if size < 1e5:
        return f"{size / 1e3:.1f} kB"
    return f"{size / 1e6:.2f} MB"
