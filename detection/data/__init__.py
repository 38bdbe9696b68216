"""Data sets in COCO format: read, checked, written as records, composed."""
