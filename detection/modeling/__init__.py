"""NASNet in TensorFlow Model Garden: backbones, box head, anchors, models."""
