"""One class for each format of a model's file; see `export.runtime.runners`."""

import numpy as np

from nasnet_tf.browser.page import MODEL
from nasnet_tf.checks.errors import InputError, first_line

BATCH_SIZE = 32
SIGNATURE = "serving_default"
OUTPUT = "predictions"


class FileRunner:
    """What the classes below share; see `export.runtime.runners.Runner`."""

    def __init__(self, path, input_shape, input_dtype):
        self.path = path
        self.input_shape = tuple(
            n if isinstance(n, int) and n > 0 else None for n in input_shape
        )
        self.input_dtype = np.dtype(input_dtype)

    def run(self, images, batch_size=BATCH_SIZE):
        images = self._as_input(np.asarray(images))
        batch_size = self.input_shape[0] or batch_size
        outputs = []
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            count = len(batch)
            if self.input_shape[0] and count < batch_size:
                fill = np.repeat(batch[-1:], batch_size - count, axis=0)
                batch = np.concatenate([batch, fill])
            try:
                outputs.append(self._predict(batch)[:count])
            # Each library has errors of its own.
            except Exception as error:
                raise InputError(
                    f"model: {self.path} cannot run {count} images of "
                    f"{images.shape[1:]} ({first_line(error)}); give others"
                ) from error
        return np.asarray(np.concatenate(outputs), np.float32)

    def _predict(self, images):
        """What the network makes of images that it takes at once."""
        raise NotImplementedError

    def _as_input(self, images):
        wanted, given = self.input_shape, images.shape
        if (
            len(wanted) != len(given)
            or not len(images)
            or any(
                w not in (None, g)
                for w, g in zip(wanted[1:], given[1:], strict=True)
            )
        ):
            shape = ", ".join("any" if n is None else str(n) for n in wanted)
            raise InputError(
                f"images: shape {given} does not fit {self.path}, which takes "
                f"({shape})"
            )
        if images.dtype == self.input_dtype:
            return images
        if images.dtype.kind == "f":
            if self.input_dtype.kind == "f":
                return images.astype(self.input_dtype)
            quantized = self._quantize(images)
            if quantized is not None:
                return quantized
        raise InputError(
            f"images: {images.dtype} given, but {self.path} takes "
            f"{self.input_dtype}"
        )

    def _quantize(self, images):
        """Images as integers; None where the file does not say how."""
        del images
        return None

    def close(self):
        # Interpreters and sessions let go of memory with the last reference.
        self.__dict__.clear()


class LitertRunner(FileRunner):
    """A .tflite file in LiteRT's interpreter, with XNNPACK as it applies it.

    `interpreter` is the `ai_edge_litert.interpreter.Interpreter`.
    """

    def __init__(self, path, num_threads=None):
        # Here and below: a process has the library of its file alone, an extra,
        # and its memory is measured.
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(str(path), num_threads=num_threads)
        self._input = _only(path, "input", self.interpreter.get_input_details())
        self._output = _only(
            path, "output", self.interpreter.get_output_details()
        )
        self.interpreter.allocate_tensors()
        self._shape = tuple(self._input["shape"].tolist())
        signature = self._input["shape_signature"].tolist()
        super().__init__(path, signature or self._shape, self._input["dtype"])

    def _predict(self, images):
        index = self._input["index"]
        if images.shape != self._shape:
            self.interpreter.resize_tensor_input(index, images.shape)
            self.interpreter.allocate_tensors()
            self._shape = images.shape
        self.interpreter.set_tensor(index, images)
        self.interpreter.invoke()
        output = self.interpreter.get_tensor(self._output["index"])
        scale, zero_point = self._output["quantization"]
        if scale:
            output = (output.astype(np.float32) - zero_point) * scale
        return output

    def _quantize(self, images):
        scale, zero_point = self._input["quantization"]
        if not scale:
            return None
        limits = np.iinfo(self.input_dtype)
        steps = np.rint(images / scale + zero_point)
        return steps.clip(limits.min, limits.max).astype(self.input_dtype)


class WebRunner(LitertRunner):
    """The .tflite file in a page's folder, as `LitertRunner` runs it."""

    def __init__(self, path, num_threads=None):
        super().__init__(path / MODEL, num_threads)


class OnnxRunner(FileRunner):
    """An .onnx file in onnxruntime, on the processor."""

    def __init__(self, path, num_threads=None):
        # As in `LitertRunner`.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # Errors.
        # 0 is as many as it likes.
        options.intra_op_num_threads = num_threads or 0
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        given = _only(path, "input", self._session.get_inputs())
        _only(path, "output", self._session.get_outputs())
        self._name = given.name
        kind = given.type.removeprefix("tensor(").removesuffix(")")
        # ONNX names these two as C does.
        kind = {"float": "float32", "double": "float64"}.get(kind, kind)
        super().__init__(path, given.shape, kind)

    def _predict(self, images):
        return self._session.run(None, {self._name: images})[0]


class OpenvinoRunner(FileRunner):
    """An .onnx or .tflite file in OpenVINO, on the processor, in float32."""

    def __init__(self, path, num_threads=None):
        # As in `LitertRunner`.
        import openvino

        core = openvino.Core()
        # Else it takes bfloat16 where the processor has it.
        settings = {"INFERENCE_PRECISION_HINT": "f32"}
        if num_threads is not None:
            settings["INFERENCE_NUM_THREADS"] = num_threads
        try:
            self._network = core.compile_model(str(path), "CPU", settings)
        except RuntimeError as error:
            # The lines before the last are where in its source it was raised.
            raise RuntimeError(str(error).strip().split("\n")[-1]) from error
        given = _only(path, "input", self._network.inputs)
        _only(path, "output", self._network.outputs)
        shape = [
            None if length.is_dynamic else length.get_length()
            for length in given.get_partial_shape()
        ]
        super().__init__(path, shape, given.get_element_type().to_dtype())

    def _predict(self, images):
        return self._network(images)[0]


class SavedModelRunner(FileRunner):
    """The signature `serving_default` of a SavedModel."""

    def __init__(self, path, num_threads=None):
        # As in `LitertRunner`.
        import tensorflow as tf

        _set_tensorflow_threads(num_threads)
        # The variables go with it.
        self._loaded = tf.saved_model.load(str(path))
        if SIGNATURE not in self._loaded.signatures:
            raise InputError(f"model: {path} has no signature {SIGNATURE}")
        self._signature = self._loaded.signatures[SIGNATURE]
        inputs = self._signature.structured_input_signature[1]
        self._name = _only(path, "input", list(inputs))
        outputs = list(self._signature.structured_outputs)
        self._output = OUTPUT
        if OUTPUT not in outputs:
            self._output = _only(path, "output", outputs)
        spec = inputs[self._name]
        super().__init__(path, spec.shape, spec.dtype.as_numpy_dtype)

    def _predict(self, images):
        # As in `LitertRunner`; here it is loaded.
        import tensorflow as tf

        outputs = self._signature(**{self._name: tf.constant(images)})
        return outputs[self._output].numpy()


class KerasRunner(FileRunner):
    """A .keras file, its network compiled to a TensorFlow graph."""

    def __init__(self, path, num_threads=None):
        # As in `LitertRunner`.
        import keras
        import tensorflow as tf

        from nasnet_tf import public  # noqa: F401  so that Keras knows them

        _set_tensorflow_threads(num_threads)
        model = keras.saving.load_model(path, compile=False)
        given = _only(path, "input", model.inputs)
        _only(path, "output", model.outputs)
        self._function = tf.function(
            lambda images: model(images, training=False),
            input_signature=[tf.TensorSpec(given.shape, given.dtype)],
            autograph=False,
        )
        super().__init__(path, given.shape, given.dtype)

    def _predict(self, images):
        return self._function(images).numpy()


def _only(path, what, items):
    if len(items) != 1:
        raise InputError(
            f"model: {path} has {len(items)} {what}s; give a classifier of "
            "one input and one output"
        )
    return items[0]


def _set_tensorflow_threads(count):
    # As in `LitertRunner`.
    import tensorflow as tf

    if count is None:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    except RuntimeError:
        raise InputError(
            f"num_threads: {count} comes too late, for TensorFlow has begun to "
            "run; give None, or open the file in a fresh process"
        ) from None
