"""What is exported: a detector with its pre- and postprocessing."""

import copy

import tensorflow as tf
from official.core import config_definitions as cfg
from official.vision.serving import detection

from detection.modeling.anchors import anchor_generator
from detection.modeling.detector import build_detector
from detection.modeling.stretching import image_info, stretched, stretches
from nasnet_tf.data.decoding import decode_without_python
from nasnet_tf.data.orientation import exif_orientation, upright

# Of Model Garden's, those that a batch of any length works with.
_ANY_BATCH = ("batched", "v2", "v3")


class DetectionModule(detection.DetectionModule):
    """Model Garden's module with our detectors and our anchors.

    Args:
        params: the experiment; it stays as it is.
        batch_size: of the images; None: any.
        model: that finds the objects; None: it is built.
        for_inference: of the model that is built; see `build_detector`.
        **kwargs: of Model Garden's module.
    """

    def __init__(
        self,
        params: cfg.ExperimentConfig,
        batch_size: int | None = None,
        model=None,
        for_inference: bool = False,
        **kwargs,
    ):
        self._for_inference = for_inference
        params = copy.deepcopy(params)
        generator = params.task.model.detection_generator
        if batch_size is None and generator.nms_version not in _ANY_BATCH:
            generator.nms_version = "batched"
        super().__init__(
            params,
            batch_size=batch_size,
            model=model,
            input_image_size=list(params.task.model.input_size[:2]),
            **kwargs,
        )

    @tf.function
    def inference_from_image_bytes(self, inputs: tf.Tensor):
        # Model Garden's stacks the images, which have to be of one size.
        return self.serve(inputs)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width that images are fitted into."""
        height, width = self._input_image_size
        return height, width

    @property
    def padded_size(self) -> tuple[int, int]:
        """Height and width that the network sees."""
        height, width = self._padded_size
        return height, width

    def _build_model(self):
        return build_detector(
            self.params.task.model,
            self._padded_size,
            self._batch_size,
            for_inference=self._for_inference,
        )

    def _build_inputs(self, image):
        if image.dtype == tf.string:
            image = self._decode_image(image)
        parser = self.params.task.train_data.parser
        if not stretches(parser):
            return super()._build_inputs(image)
        pixels = stretched(image, self.image_size, parser.half_pixel_centers)
        pixels, anchors, info = super()._build_inputs(pixels)
        return pixels, anchors, image_info(tf.shape(image)[:2], info)

    def _decode_image(self, encoded_image_bytes):
        # As `detection.predict` reads files; Model Garden's does not turn.
        return upright(
            decode_without_python(encoded_image_bytes),
            exif_orientation(encoded_image_bytes),
        )

    def _build_anchor_boxes(self):
        return anchor_generator(self.params.task.model)(self._padded_size)
