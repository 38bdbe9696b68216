"""The published networks by name, each with its card."""

import dataclasses

from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.images.image_reading import PUBLISHED, WHOLE
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.weights import load_weights
from nasnet_tf.zoo.preset_folder import from_folder, is_folder

LICENSE = "Apache-2.0"
NO_WEIGHTS = "none published; train it"
KERAS_WEIGHTS = (
    'weights="imagenet": the official keras.applications file, converted from '
    "TF-slim's (Apache-2.0)"
)


@dataclasses.dataclass(frozen=True)
class Preset:
    """A network of the paper and what is known of it.

    Args:
        name: its name here.
        title: its name in the paper, in the notation N @ P.
        genotype: `"NASNET_A"`, `"NASNET_B"` or `"NASNET_C"`.
        num_cells: N.
        penultimate_filters: P.
        input_size: height and width in pixels.
        published_parameters: in millions, as the paper prints them.
        published_mult_adds: in millions, or None.
        published_accuracy: as the paper prints it.
        source: the table of the paper.
        stem: `"imagenet"` or `"cifar"`.
        stem_multiplier: see `NASNet`.
        skip_reduction_layer_input: see `NASNet`.
        weights: where weights come from.
        note: what is open about it.
    """

    name: str
    title: str
    genotype: str
    num_cells: int
    penultimate_filters: int
    input_size: int
    published_parameters: float
    published_mult_adds: float | None
    published_accuracy: str
    source: str
    stem: str = "imagenet"
    stem_multiplier: int = 1
    skip_reduction_layer_input: bool = False
    weights: str = NO_WEIGHTS
    note: str = ""
    license: str = LICENSE

    @property
    def arguments(self) -> dict:
        """Keyword arguments of `NASNet`."""
        cifar = self.stem == "cifar"
        size = self.input_size
        return {
            "genotype": self.genotype,
            "num_cells": self.num_cells,
            "penultimate_filters": self.penultimate_filters,
            "stem": self.stem,
            "stem_multiplier": self.stem_multiplier,
            "skip_reduction_layer_input": self.skip_reduction_layer_input,
            "input_shape": (size, size, 3),
            "classes": 10 if cifar else 1000,
            # Momentum and epsilon are TF-slim's.
            "batch_norm_momentum": 0.9 if cifar else 0.9997,
            "batch_norm_epsilon": 1e-5 if cifar else 1e-3,
            "preprocessing": "whitening" if cifar else "scale",
            "image_reading": WHOLE if cifar else PUBLISHED,
            "name": self.name,
        }


_OPEN_B = (
    "What P means for B, its norm axes and its channel matching are not "
    "published; F = P / 24 is nearest its sizes."
)
_OPEN_C = (
    "Norm axes and the form of factorised convolutions are not published; "
    "counted with a bottleneck, without it 4 @ 640 has 3.17M."
)
_STEM_1 = "Counted with a stem of 32 filters; the published sizes match none."

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "nasnet_a_mobile", "NASNet-A (4 @ 1056)", "NASNET_A", 4, 1056, 224,
            5.3, 564, "top-1 74.0 %, top-5 91.6 %", "Table 3",
            weights=KERAS_WEIGHTS,
        ),
        Preset(
            "nasnet_a_large", "NASNet-A (6 @ 4032)", "NASNET_A", 6, 4032, 331,
            88.9, 23_800, "top-1 82.7 %, top-5 96.2 %", "Table 2",
            stem_multiplier=3, skip_reduction_layer_input=True,
            weights=KERAS_WEIGHTS,
        ),
        Preset(
            "nasnet_a_5_1536", "NASNet-A (5 @ 1538)", "NASNET_A", 5, 1536, 299,
            10.9, 2_350, "top-1 78.6 %, top-5 94.2 %", "Table 2",
            note="The paper prints 1538, which 24 does not divide. " + _STEM_1,
        ),
        Preset(
            "nasnet_a_7_1920", "NASNet-A (7 @ 1920)", "NASNET_A", 7, 1920, 299,
            22.6, 4_930, "top-1 80.8 %, top-5 95.3 %", "Table 2",
            note=_STEM_1,
        ),
        Preset(
            "nasnet_b_4_1536", "NASNet-B (4 @ 1536)", "NASNET_B", 4, 1536, 224,
            5.3, 488, "top-1 72.8 %, top-5 91.3 %", "Table 3", note=_OPEN_B,
        ),
        Preset(
            "nasnet_c_3_960", "NASNet-C (3 @ 960)", "NASNET_C", 3, 960, 224,
            4.9, 558, "top-1 72.5 %, top-5 91.0 %", "Table 3", note=_OPEN_C,
        ),
        Preset(
            "nasnet_a_cifar_6_768", "NASNet-A (6 @ 768)", "NASNET_A", 6, 768,
            32, 3.3, None, "error 3.41 %, with cutout 2.65 %", "Table 1",
            stem="cifar", stem_multiplier=3,
        ),
        Preset(
            "nasnet_a_cifar_7_2304", "NASNet-A (7 @ 2304)", "NASNET_A", 7, 2304,
            32, 27.6, None, "error 2.97 %, with cutout 2.40 %", "Table 1",
            stem="cifar", stem_multiplier=3,
            note="The published size matches no count.",
        ),
        Preset(
            "nasnet_b_cifar_4_1152", "NASNet-B (4 @ 1152)", "NASNET_B", 4, 1152,
            32, 2.6, None, "error 3.73 %", "Table 1",
            stem="cifar", stem_multiplier=3, note=_OPEN_B,
        ),
        Preset(
            "nasnet_c_cifar_4_640", "NASNet-C (4 @ 640)", "NASNET_C", 4, 640,
            32, 3.1, None, "error 3.59 %", "Table 1",
            stem="cifar", stem_multiplier=3, note=_OPEN_C,
        ),
    )
}  # fmt: skip


def list_presets() -> list[str]:
    """The names that `from_preset` builds."""
    return list(PRESETS)


def get_preset(name: str) -> Preset:
    """The card of a preset.

    Raises:
        InputError: no preset has this name; says the nearest.
    """
    check_choice("preset", name, PRESETS)
    return PRESETS[name]


def from_preset(preset, /, weights=None, **arguments) -> NASNet:
    """Builds a published network, or one that `save_to_preset` wrote.

    Args:
        preset: one of `list_presets()`, the path of a folder, or
            `"hf://user/name"`, a folder on the Hugging Face hub.
        weights: `"imagenet"`, or a path; see `nasnet_tf.load_weights`. None:
            those of the folder; a published network's are random.
        **arguments: of `NASNet`, in place of the preset's. Where a folder's
            network gets other `classes`, its classifier is fresh.

    Raises:
        InputError: an argument is bad; one line that says which.

    Example:
    >>> model = nasnet_tf.from_preset("nasnet_c_cifar_4_640", classes=100)
    """
    if preset not in PRESETS and is_folder(preset):
        return from_folder(preset, weights, **arguments)
    arguments = {**get_preset(preset).arguments, **arguments}
    model = NASNet(**arguments)
    if weights is not None:
        load_weights(model, weights)
    return model
