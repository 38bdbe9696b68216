"""What a configuration can say of images, and its checks."""

import dataclasses

from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.sections import Section, field


@dataclasses.dataclass
class DataConfig(Section):
    """The images, and how training changes them.

    Args:
        source: `"tfds"`: a set of TensorFlow Datasets; `"folder"`: images as
            `<split>/<class>/<image>`, at any depth below the class; `"digits"`:
            scikit-learn's handwritten digits, embedded; `"python"`: what a
            program gave to `train` or `search`, which say so here.
        name: of the TFDS set, such as `"cifar10"`.
        data_dir: where the TFDS sets, or the splits of the folder, are.
        train_split: to train on; for TFDS any split expression.
        evaluation_split: to evaluate on.
        held_out: so many random examples of the train split are not trained
            on but evaluated on, in place of the evaluation split.
        image_key: of a TFDS example.
        label_key: of a TFDS example.
        augmentation: `"cifar"`: pad and crop, flip, cutout; `"inception"`:
            crops of 8 to 100 % of the area, flip, colour; `"none"`.
        evaluation_crop: share of height and of width, from the middle, that
            evaluation takes, and everything that serves the network; None:
            0.875 with `"inception"`, else 1, the whole image.
        pad: pixels that `"cifar"` pads each side by before it crops.
        upsample: `"cifar"` enlarges by twice `pad` instead (App. A.1).
        flip: mirror half of the images.
        cutout: side of the square that is blanked; 0 for none.
        color: `"inception"` distorts brightness, saturation, hue, contrast.
        rand_augment: Keras's RandAugment of this factor; 0 for none.
        mixup: Keras's MixUp of this alpha; 0 for none.
        shuffle_buffer: examples, where the set is read as a stream.
        cache_mib: a set of images of one size is kept in memory, decoded, if
            it takes no more than this.
        digest: of the arrays of `"python"`, by which a job that goes on knows
            them; `train` and `search` set it.
    """

    source: str = field(
        "digits", choices=("tfds", "folder", "digits", "python")
    )
    name: str | None = None
    data_dir: str | None = None
    train_split: str = "train"
    evaluation_split: str = "test"
    held_out: int = field(0, least=0)
    image_key: str = "image"
    label_key: str = "label"
    augmentation: str = field("none", choices=("none", "cifar", "inception"))
    evaluation_crop: float | None = field(None, interval="(0, 1]")
    pad: int = field(4, least=0)
    upsample: bool = False
    flip: bool = True
    cutout: int = field(0, least=0)
    color: bool = True
    rand_augment: float = field(0.0, interval="[0, 1]")
    mixup: float = field(0.0, interval="[0, 1]")
    shuffle_buffer: int = field(10_000, least=1)
    cache_mib: int = field(1024, least=0)
    digest: str | None = None


def check_data(data: DataConfig, size: int) -> None:
    """Checks a `data` section for images of `size` pixels a side.

    Raises:
        InputError: a value is missing or contradicts another.
    """
    if data.source == "tfds" and not data.name:
        raise InputError(
            f"data.name: {data.name!r} with data.source 'tfds'; give the name "
            "of a TFDS set, such as cifar10"
        )
    if data.source == "folder" and not data.data_dir:
        raise InputError(
            f"data.data_dir: {data.data_dir!r} with data.source 'folder'; "
            "give the folder that holds <split>/<class>/<image>"
        )
    # Else it would train on other images than the name says.
    if data.source != "tfds" and data.name is not None:
        raise InputError(
            f"data.name: {data.name!r} with data.source {data.source!r}, "
            "which has none; set data.source=tfds, or data.name=null"
        )
    for key in ("cutout", "upsample"):
        value = getattr(data, key)
        if value and data.augmentation != "cifar":
            raise InputError(
                f"data.{key}: {value} with data.augmentation "
                f"{data.augmentation!r}, which has none; set "
                f"data.augmentation=cifar, or data.{key}={type(value)()}"
            )
    if data.cutout > size:
        raise InputError(
            f"data.cutout: {data.cutout} is more than the {size} pixels of "
            "the images; give a smaller side"
        )
