"""TensorFlow's SavedModel."""

from export.targets.target import ExportTarget

SAVED_MODEL = ExportTarget(
    name="saved_model",
    title="SavedModel",
    file="saved_model",
    write="export.formats.saved_model:write",
    runner="export.runtime.file_runners:SavedModelRunner",
    library=("tensorflow", "tensorflow"),
    runtime="TensorFlow",
    contents="saved_model.pb",
    input_types=("float32",),
    input_note="has a signature for pixels in any case",
    example="""\
import tensorflow as tf

model = tf.saved_model.load("{file}")
answers = model.signatures["serving_default"](
    tf.constant(images))["predictions"]
# Of pixels of any size, uint8:
#   model.signatures["pixels"](tf.constant(pixels))["predictions"]
# Of JPEG or PNG files, as a list of bytes:
#   model.signatures["encoded"](tf.constant(files))["predictions"]""",
)
