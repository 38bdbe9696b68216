"""metrics.jsonl: a line of JSON for each time that a job measured itself."""

import json
import math
import pathlib

from nasnet_tf.files.output_file import written_beside

METRICS_FILE = "metrics.jsonl"
KINDS = ("training", "evaluation")


def append_line(path, line: dict) -> None:
    """Adds a line; numbers that JSON does not have become null.

    Raises:
        OSError: it cannot be written.
    """
    line = {
        key: None if isinstance(v, float) and not math.isfinite(v) else v
        for key, v in line.items()
    }
    # Opened anew each time, so that nothing waits in a buffer and an error
    # comes here.
    with pathlib.Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, allow_nan=False) + "\n")


def read_lines(path) -> list[dict]:
    """The lines of a file, none if it does not exist.

    What is no line of metrics is left out: a job that was killed may have
    left half of one.
    """
    path = pathlib.Path(path)
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = map(_parsed, text.splitlines())
    return [line for line in lines if line is not None]


def drop_after(path, step: int) -> list[dict]:
    """Rewrites a file without the lines of later steps; returns the others.

    Raises:
        InputError: it cannot be written.
    """
    path = pathlib.Path(path)
    kept = [line for line in read_lines(path) if line["step"] <= step]
    text = "".join(json.dumps(line) + "\n" for line in kept)
    if path.exists() and path.read_bytes() != text.encode():
        with written_beside(path, "model_dir") as beside:
            beside.write_text(text, encoding="utf-8")
    return kept


def read_history(path) -> dict[str, dict[str, list]]:
    """A file as columns.

    Returns:
        For `"training"` and `"evaluation"` a dict of lists, all of one
        length: `step`, `epoch`, `loss`...; None where a line lacks it.
    """
    lines = read_lines(path)
    history = {}
    for kind in KINDS:
        rows = [line for line in lines if line["kind"] == kind]
        keys = dict.fromkeys(key for row in rows for key in row)
        keys.pop("kind", None)
        history[kind] = {key: [row.get(key) for row in rows] for key in keys}
    return history


def _parsed(text):
    try:
        line = json.loads(text)
    except ValueError:
        return None
    if not isinstance(line, dict) or line.get("kind") not in KINDS:
        return None
    return line if isinstance(line.get("step"), int) else None
