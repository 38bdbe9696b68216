"""Object detection: NASNet in TensorFlow Model Garden, COCO evaluation.

python -m detection.scenes     a set of scenes to try it on
python -m detection.coco       COCO JSON to TFRecords
python -m detection.train      Faster R-CNN and RetinaNet
python -m detection.evaluate   COCO's numbers
python -m detection.predict    drawn images
python -m detection.export     SavedModel and LiteRT
"""

from nasnet_tf.terminal import quiet_commands  # noqa: F401
