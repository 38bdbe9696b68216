"""Saves the model, loads it again and compares."""

import keras
import numpy as np

from nasnet_tf.zoo.applications import preprocess_input

TITLE = "Saved model"
NEEDS = ("digits", "training", "evaluation")

FILE = "digits.keras"


def stage(context) -> keras.Model:
    """Returns the model as it was loaded from the file."""
    with context.new_file(FILE, "the trained model") as path:
        context.results["training"].model.save(path)
    saved = context.out / FILE
    model = keras.saving.load_model(saved)
    images = preprocess_input(context.results["digits"].held_out_images)
    predicted = model.predict(images, verbose=0)
    difference = float(np.abs(predicted - context.results["evaluation"]).max())
    size = saved.stat().st_size
    same = "bit for bit" if difference == 0 else f"up to {difference:.1e}"
    context.say(
        f"{FILE} ({size / 1e6:.1f} MB) was loaded again; its predictions "
        f"equal the trained model's {same}."
    )
    context.facts.append(("model file", f"{size / 1e6:.1f} MB"))
    context.metrics.update(reloaded_difference=difference, model_bytes=size)
    if difference > 1e-6:
        context.failures.append(
            f"the predictions of {saved} differ by {difference:.1e} from the "
            "model's that was saved"
        )
    return model
