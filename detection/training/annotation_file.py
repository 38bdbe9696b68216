"""A job's `task.annotation_file`, in the labels of its records."""

from detection.data.coco_file import tidy
from detection.data.data_sources import data_categories
from nasnet_tf.checks.errors import InputError


def label_annotations(metric, task_config) -> None:
    """Gives a COCO evaluator's annotations the labels of the records.

    The network and the records speak labels, the file ids: unlike numbers
    would be an AP of 0. Nothing changes without a file or `categories.json`.

    Args:
        metric: Model Garden's `COCOEvaluator`, or None.
        task_config: of the job.

    Raises:
        InputError: the file has a category that the records lack, or names it
            otherwise.
    """
    path = task_config.annotation_file
    categories = data_categories(task_config.validation_data)
    if metric is None or not path or not categories:
        return
    truth = metric._coco_gt
    tidy(truth.dataset)
    for row in truth.dataset["categories"]:
        number, name = row["id"], row.get("name")
        if number in categories and name in (None, categories[number]):
            continue
        raise InputError(
            f"task.annotation_file: category {number} of {path} is {name!r} "
            "and in the categories.json of the records it is "
            f"{categories.get(number)!r}; give the annotations that they "
            "were made from"
        )
    labels = categories.labels
    for row in truth.dataset["annotations"]:
        if row["category_id"] not in labels:
            raise InputError(
                f"task.annotation_file: annotation {row.get('id')} of {path} "
                f"has category_id {row['category_id']!r}, which its categories "
                "lack; correct or remove it"
            )
        row["category_id"] = labels[row["category_id"]]
    for row in truth.dataset["categories"]:
        row["id"] = labels[row["id"]]
    truth.createIndex()
