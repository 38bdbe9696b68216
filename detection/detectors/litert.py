"""A detector in a LiteRT file."""

import pathlib

from detection.data.categories import read_categories
from detection.detectors.detector import Detector
from detection.detectors.files import read_settings
from detection.detectors.letterbox import letterbox
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.terminal.hardware import core_count


class LitertDetector(Detector):
    """Runs a `.tflite` file that `detection.export` wrote.

    `interpreter` is LiteRT's.

    Args:
        path: of the file, with `params.yaml` beside it.
        num_threads: of a run; None: as many as the machine has cores.
    """

    def __init__(self, path: pathlib.Path, num_threads: int | None = None):
        check_packages(
            f"model: {path}",
            {"ai-edge-litert": "ai_edge_litert"},
            extra="detection",
        )
        # Of an extra, which other detectors do without.
        from ai_edge_litert.interpreter import Interpreter

        self._settings = read_settings(path)
        self.interpreter = Interpreter(
            str(path),
            # LiteRT itself takes one.
            num_threads=num_threads or core_count(),
        )
        self.interpreter.allocate_tensors()
        (given,) = self.interpreter.get_input_details()
        self._padded_size = given["shape"][1:3]
        self._runner = self.interpreter.get_signature_runner()
        if "detection_boxes" not in self._runner.get_output_details():
            raise InputError(
                f"model: {path} has no output detection_boxes; give a detector "
                "that detection.export wrote"
            )
        super().__init__(
            f"LiteRT file {path}",
            read_categories(self._settings.folder),
            self._settings.num_classes,
            self._settings.image_size,
        )

    def _run(self, image):
        pixels, scale = letterbox(
            image,
            self._settings.image_size,
            self._padded_size,
            self._settings.keep_aspect_ratio,
            self._settings.half_pixel_centers,
        )
        return self._runner(images=pixels), scale

    def delegation(self) -> dict[str, int] | None:
        """Its operations, and the pieces of it that XNNPACK runs.

        None where the interpreter does not list its operations.
        """
        try:
            # Not public: another version may lack it.
            nodes = self.interpreter._get_ops_details()
        except AttributeError:
            return None
        delegated = sum(node["op_name"] == "DELEGATE" for node in nodes)
        return {
            "operations": len(nodes) - delegated,
            "partitions": delegated,
        }
