"""The page that says what a converted detector is."""

from detection.conversion.pipeline import Pipeline

CARD = "model_card.md"
_TEXT = """\
# A converted detector

Faster R-CNN with NASNet-A of TensorFlow's Object Detection API
(`faster_rcnn_nas`), converted from `{checkpoint}` by
`python -m detection.convert`. It is the detector of section 3.3 of "Learning
Transferable Architectures for Scalable Image Recognition" (Zoph et al. 2017).

* {tensors:,} tensors, {averaged:,} of them moving averages; {classes} classes.
* Images are stretched to {height}x{width} pixels, as TensorFlow 1 resized them.
* {proposals} proposals; suppression at an IoU of {proposal_iou:g} for proposals
  and {detection_iou:g} for detections, of which there are at most {detections}.

It computes what the published graph does: that was compared tensor by tensor,
with random weights. Google published two sets of weights, trained on COCO, by
the names `faster_rcnn_nas_coco_2018_01_28` and
`faster_rcnn_nas_lowproposals_coco_2018_01_28`. The paper has 43.1 % mAP for the
first on test-dev; neither was measured by this package's authors, so measure
what you have: `python -m detection.evaluate`.
"""


def card(
    checkpoint: str,
    tensors: int,
    averaged: int,
    classes: int,
    settings: Pipeline,
) -> str:
    """The text of a converted detector's card, Markdown."""
    height, width = settings.image_size
    return _TEXT.format(
        checkpoint=checkpoint,
        tensors=tensors,
        averaged=averaged,
        classes=classes,
        height=height,
        width=width,
        proposals=settings.num_proposals,
        proposal_iou=settings.proposal_iou,
        detection_iou=settings.detection_iou,
        detections=settings.num_detections,
    )
