"""Faster R-CNN with NASNet features on Model Garden (not built yet)."""
