"""TensorBoard's files, of scalars and images that a resumed run may redo."""

import io
import os
import pathlib
import socket
import time

import tensorflow as tf
from PIL import Image

_PREFIX = "events.out.tfevents."


class EventFile:
    """A new event file of a run.

    It begins with a mark at which TensorBoard forgets what the run's earlier
    files say of steps after `step`. The writers of `tf.summary` cannot write
    that mark.

    Args:
        folder: of the run; made if missing.
        step: the last one that counts of earlier files.

    Raises:
        OSError, tf.errors.OpError: the file cannot be written; so for the
            methods.
    """

    def __init__(self, folder, step: int = 0):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _file_name(folder)
        self._writer = tf.io.TFRecordWriter(str(path))
        # From version 2 on TensorBoard heeds the mark.
        self._write(file_version="brain.Event:2")
        # What is of its step or later is forgotten.
        start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        self._write(step=step + 1, session_log=start)
        self._writer.flush()

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Writes a point of each curve."""
        self._summary(
            step, *({"tag": k, "simple_value": v} for k, v in values.items())
        )

    def image(self, step: int, name: str, image: Image.Image) -> None:
        """Writes a picture."""
        encoded = io.BytesIO()
        image.save(encoded, format="png")
        self._summary(
            step,
            {
                "tag": name,
                "image": tf.compat.v1.Summary.Image(
                    height=image.height,
                    width=image.width,
                    colorspace=len(image.getbands()),
                    encoded_image_string=encoded.getvalue(),
                ),
            },
        )

    def close(self) -> None:
        self._writer.close()

    def _summary(self, step, *values):
        made = [tf.compat.v1.Summary.Value(**value) for value in values]
        self._write(step=step, summary=tf.compat.v1.Summary(value=made))
        # TensorBoard reads along.
        self._writer.flush()

    def _write(self, **fields):
        event = tf.compat.v1.Event(wall_time=time.time(), **fields)
        self._writer.write(event.SerializeToString())


def _file_name(folder):
    # TensorBoard reads files in the order of their names, which begin with
    # the time; a clock that was set back is not to disturb it.
    times = [path.name.split(".")[3] for path in folder.glob(f"{_PREFIX}*")]
    newest = max((int(t) for t in times if t.isdecimal()), default=0)
    seconds = max(int(time.time()), newest + 1)
    return f"{_PREFIX}{seconds:010}.{socket.gethostname()}.{os.getpid()}"
