"""Detectors of the TensorFlow Object Detection API, as jobs of this package."""
