"""How good detections are: COCO's numbers, and what shows them."""
