"""Files of tiny networks in each format."""

import keras
import numpy as np

SHAPE = (8, 8, 3)
CLASSES = 4


def small_network(six_branches=False, size=8, dense=0):
    """A convolution, a pool and a classifier with random weights.

    Args:
        six_branches: a concatenation of six, more than XNNPACK takes.
        size: height and width.
        dense: units of a layer before the classifier, for a larger file.
    """
    keras.utils.set_random_seed(0)
    image = x = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(8, 3, activation="relu")(x)
    if six_branches:
        x = keras.layers.concatenate(
            [keras.layers.Conv2D(4, 1)(x) for _ in range(6)]
        )
        x = keras.layers.Conv2D(4, 1)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    if dense:
        x = keras.layers.Dense(dense)(x)
    x = keras.layers.Dense(CLASSES, activation="softmax")(x)
    return keras.Model(image, x)


def some_images(count=5, seed=0):
    generator = np.random.default_rng(seed)
    return generator.uniform(-1, 1, (count, *SHAPE)).astype("float32")


def litert_file(model, path, quantized=None, batch=None):
    """Writes a .tflite file by TensorFlow's converter.

    Args:
        model: to convert.
        path: of the file.
        quantized: "int8" or "uint8" for a file with such input and output.
        batch: images that the file takes; None: any number.
    """
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    function = tf.function(lambda x: model(x, training=False), autograph=False)
    spec = tf.TensorSpec((batch, *model.input.shape[1:]), "float32")
    # The converter leaves Keras 3's variables unset.
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        function.get_concrete_function(spec)
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if quantized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [image[None]] for image in some_images(20, seed=1)
        )
        ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.target_spec.supported_ops = ops
        converter.inference_input_type = getattr(tf, quantized)
        converter.inference_output_type = getattr(tf, quantized)
    path.write_bytes(converter.convert())
    return path


def saved_model(model, path):
    """Writes a SavedModel whose `serving_default` has two outputs."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((None, *SHAPE), "float32")])
    def serve(images):
        predictions = model(images, training=False)
        return {"predictions": predictions, "total": tf.reduce_sum(images)}

    holder = tf.Module()
    holder.model = model
    tf.saved_model.save(holder, str(path), {"serving_default": serve})
    return path


def onnx_file(path, batch="n", inputs=1):
    """Writes an .onnx file that gives each image's mean by channel.

    Args:
        path: of the file.
        batch: images that it takes; a name: any number.
        inputs: number of inputs, of which it reads the first.
    """
    import onnx
    from onnx import TensorProto, helper

    axes = helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2])
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["x0", "axes"], ["y"], keepdims=0)],
        "means",
        [
            value(f"x{number}", TensorProto.FLOAT, [batch, *SHAPE])
            for number in range(inputs)
        ],
        [value("y", TensorProto.FLOAT, [batch, 3])],
        [axes],
    )
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    onnx.save(model, path)
    return path
