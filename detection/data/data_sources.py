"""The categories of what a job reads: records, or TensorFlow Datasets."""

import pathlib

from detection.data import tfds_decoder
from detection.data.categories import Categories, read_categories


def data_categories(data) -> Categories:
    """The categories of what a `train_data` reads; empty if unknown.

    Args:
        data: Model Garden's configuration of it.

    Raises:
        InputError: `categories.json` beside the records is damaged.
    """
    if not data.tfds_name:
        return read_categories(_records_folder(data.input_path))
    return Categories(tfds_decoder.category_names(data.tfds_name))


def _records_folder(input_path):
    first = input_path if isinstance(input_path, str) else input_path[0]
    return pathlib.Path(first.split(",")[0].strip()).parent
