"""Checkpoints as the Object Detection API wrote them, small and random."""

import numpy as np
import tensorflow as tf

import nasnet_tf
from nasnet_tf.networks.variables import is_weight, named_variables
from nasnet_tf.weights.names import slim_name
from tests.conftest import randomize

CLASSES, ANCHORS, FILTERS = 3, 12, 16
SIZES, RATIOS = (64.0, 128.0, 256.0, 512.0), (0.5, 1.0, 2.0)
PIPELINE = """
# As published, but small.
model {
  faster_rcnn {
    num_classes: 3
    image_resizer { fixed_shape_resizer { height: 96 width: 64 } }
    feature_extractor { type: 'faster_rcnn_nas' }
    first_stage_anchor_generator {
      grid_anchor_generator {
        scales: [0.25, 0.5, 1.0, 2.0]
        aspect_ratios: [0.5, 1.0, 2.0]
        height_stride: 16
        width_stride: 16
      }
    }
    first_stage_nms_score_threshold: 0.0
    first_stage_nms_iou_threshold: 0.7
    first_stage_max_proposals: 9
    initial_crop_size: 17
    maxpool_kernel_size: 1
    maxpool_stride: 1
    second_stage_batch_size: 8
    second_stage_post_processing {
      batch_non_max_suppression {
        score_threshold: 0.0
        iou_threshold: 0.6
        max_detections_per_class: 20
        max_total_detections: 20
      }
      score_converter: SOFTMAX
    }
  }
}
train_config: { batch_size: 1 }
"""


def network() -> nasnet_tf.NASNet:
    """A random NASNet-A with the published one's adapters."""
    return randomize(
        nasnet_tf.NASNet(
            "NASNET_A",
            num_cells=1,
            penultimate_filters=96,
            stem_multiplier=0.5,
            skip_reduction_layer_input=True,
            input_shape=(96, 64, 3),
            include_top=False,
        )
    )


def tensors(made: nasnet_tf.NASNet, seed: int = 0) -> dict[str, np.ndarray]:
    """All variables of a detector, by their published names."""
    names = [cell.name for cell in made.plan.cells]
    second = names[names.index("reduction_cell_1") :]
    values = {}
    for name, variable in named_variables(made).items():
        if is_weight(name):
            stage = "Second" if name.split("/")[0] in second else "First"
            slim = slim_name(name, made.plan)
            values[f"{stage}StageFeatureExtractor/{slim}"] = np.array(variable)
    generator = np.random.default_rng(seed)
    states = made.plan.cells[names.index("reduction_cell_1")].inputs
    channels = sum(state.channels for state in states)
    last = made.output_shape[-1]
    for layer, shape in {
        "Conv": (3, 3, channels, FILTERS),
        "FirstStageBoxPredictor/BoxEncodingPredictor": (
            *(1, 1, FILTERS),
            4 * ANCHORS,
        ),
        "FirstStageBoxPredictor/ClassPredictor": (1, 1, FILTERS, 2 * ANCHORS),
        "SecondStageBoxPredictor/BoxEncodingPredictor": (last, 4 * CLASSES),
        "SecondStageBoxPredictor/ClassPredictor": (last, 1 + CLASSES),
    }.items():
        # Boxes near the anchors, scores apart.
        size = 0.15 / np.sqrt(np.prod(shape[:-1]))
        values[f"{layer}/weights"] = generator.normal(0, size, shape)
        values[f"{layer}/biases"] = generator.normal(0, 0.1, shape[-1])
    return {name: np.float32(value) for name, value in values.items()}


def write(folder, values: dict, pipeline: str | None = PIPELINE):
    """A checkpoint in a folder as it is unpacked, and its prefix."""
    folder.mkdir(parents=True, exist_ok=True)
    prefix = folder / "model.ckpt"
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(values),
        shape_and_slices=[""] * len(values),
        tensors=[tf.constant(value) for value in values.values()],
    )
    if pipeline is not None:
        (folder / "pipeline.config").write_text(pipeline)
    return prefix
