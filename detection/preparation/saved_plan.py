"""What a job on data of one's own was begun with, in its folder."""

import dataclasses
import json
import pathlib

from detection.preparation.plan import Choice
from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import written_beside

_FILE = "plan.json"


@dataclasses.dataclass(frozen=True)
class SavedPlan:
    """What stays as it is while a job goes on.

    Args:
        digest: of names, sizes and boxes of the data.
        weights: that the backbone began with, or None.
        choices: of the experiment.
        most_side: of the images in the records, in pixels; None: as in their
            files.
        left_out: a line for each set that lost images or annotations.
    """

    digest: str
    weights: str | None
    choices: list[Choice]
    most_side: int | None
    left_out: tuple[str, ...]

    def write(self, folder: pathlib.Path) -> None:
        with written_beside(folder / _FILE, "model_dir") as beside:
            text = json.dumps(dataclasses.asdict(self), indent=1)
            beside.write_text(text, encoding="utf-8")


def read_plan(folder: pathlib.Path) -> SavedPlan | None:
    """The plan of a job; None where it was not begun.

    Args:
        folder: of the job's data.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / _FILE
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return SavedPlan(
            digest=values["digest"],
            weights=values["weights"],
            choices=[Choice(**choice) for choice in values["choices"]],
            # Jobs of before have neither.
            most_side=values.get("most_side"),
            left_out=tuple(values.get("left_out", ())),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"model_dir: {path} is damaged; give another --model_dir"
        ) from None
