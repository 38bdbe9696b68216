"""Annotated images: read, checked, written as records, composed."""
