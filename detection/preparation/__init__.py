"""Data of one's own, from a folder to an experiment that fits them."""
