"""Keras's own file, of its own layers."""

from export.targets.target import ExportTarget

KERAS = ExportTarget(
    name="keras",
    title="Keras",
    file="model.keras",
    write="export.formats.keras_model:write",
    runner="export.runtime.file_runners:KerasRunner",
    # Files of networks of ours are run too.
    library=("keras", "nasnet_tf.public"),
    runtime="Keras 3 alone, on any of its backends",
    example="""\
import keras

model = keras.models.load_model("{file}")
answers = model.predict(images)""",
)
