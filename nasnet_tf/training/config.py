"""What a training job can be told: typed, on Model Garden's hyperparams.

`nasnet_tf.training.config_files` reads these from YAML files and flags and
checks names, types and the limits that `metadata` gives:

    choices     the values allowed
    least       the smallest integer allowed
    most        the largest integer allowed
    interval    the numbers allowed, such as "(0, 1]"
"""

import dataclasses

from official.modeling import hyperparams

# Seeds of replicas are sums in int32 (`step.py`).
MOST_SEED = 1_000_000_000


def _field(default, **limits):
    return dataclasses.field(default=default, metadata=limits)


@dataclasses.dataclass
class ModelConfig(hyperparams.Config):
    """The network: a preset or a genotype, and what differs from it.

    None stands for the preset's value, or for `NASNet`'s own without one.
    Without preset and genotype the network is that of `initial_weights`.

    Args:
        preset: a name of `nasnet_tf.list_presets()`.
        genotype: in place of the preset's; see `NASNet`.
        num_cells: see `NASNet`, and so for all that is not listed here.
        input_size: height and width in pixels.
        preprocessing: `"scale"` or `"whitening"`.
        drop_path_keep_prob: keep probability of ScheduledDropPath in the last
            cell; it sets in over all steps of the recipe.
        dtype: the policy of the layers.
        recalibrate_batch_norm: whether batch-norm statistics are measured anew
            over training images before each evaluation and checkpoint:
            `"auto"` does where training was short for the momentum, so that
            the moving ones lag behind the weights; else `"always"` or
            `"never"`. Training itself is the same.
        initial_weights: `"imagenet"`, a path that `nasnet_tf.load_weights`
            reads, or the model_dir of another job; a classifier of another
            number of classes is left fresh.
        freeze: `"backbone"` trains the classifier alone.
    """

    preset: str | None = None
    genotype: str | None = None
    num_cells: int | None = _field(None, least=1)
    penultimate_filters: int | None = _field(None, least=1)
    stem: str | None = _field(None, choices=("imagenet", "cifar"))
    stem_multiplier: float | None = None
    skip_reduction_layer_input: bool | None = None
    input_size: int | None = _field(None, least=32)
    preprocessing: str | None = _field(None, choices=("scale", "whitening"))
    padding: str = _field("same", choices=("same", "keras"))
    auxiliary_head: bool = False
    dropout_rate: float = _field(0.0, interval="[0, 1)")
    drop_path_keep_prob: float = _field(1.0, interval="(0, 1]")
    batch_norm_momentum: float | None = _field(None, interval="[0, 1]")
    batch_norm_epsilon: float | None = _field(None, interval="(0, 1]")
    recalibrate_batch_norm: str = _field(
        "auto", choices=("auto", "always", "never")
    )
    rematerialize: bool = False
    dtype: str = _field(
        "float32",
        choices=("float32", "mixed_bfloat16", "mixed_float16", "float64"),
    )
    initial_weights: str | None = None
    freeze: str = _field("nothing", choices=("nothing", "backbone"))


@dataclasses.dataclass
class DataConfig(hyperparams.Config):
    """The images, and how training changes them.

    Args:
        source: `"tfds"`: a set of TensorFlow Datasets; `"folder"`: images as
            `<split>/<class>/<image>`; `"digits"`: scikit-learn's handwritten
            digits, embedded.
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
    """

    source: str = _field("digits", choices=("tfds", "folder", "digits"))
    name: str | None = None
    data_dir: str | None = None
    train_split: str = "train"
    evaluation_split: str = "test"
    held_out: int = _field(0, least=0)
    image_key: str = "image"
    label_key: str = "label"
    augmentation: str = _field("none", choices=("none", "cifar", "inception"))
    evaluation_crop: float | None = _field(None, interval="(0, 1]")
    pad: int = _field(4, least=0)
    upsample: bool = False
    flip: bool = True
    cutout: int = _field(0, least=0)
    color: bool = True
    rand_augment: float = _field(0.0, interval="[0, 1]")
    mixup: float = _field(0.0, interval="[0, 1]")
    shuffle_buffer: int = _field(10_000, least=1)
    cache_mib: int = _field(1024, least=0)


@dataclasses.dataclass
class RecipeConfig(hyperparams.Config):
    """How the weights are found (App. A.1 and A.7 are the paper's recipes).

    Args:
        batch_size: images a step, of all replicas together.
        epochs: passes over the training images; or else `steps`.
        steps: in place of `epochs`.
        classifier_epochs: passes before these in which the classifier alone
            is trained, on features that stay as the initial weights have
            them; without such weights they are left out.
        classifier_learning_rate: in those, constant.
        optimizer: one of Keras's.
        learning_rate: after the warm-up.
        momentum: of `sgd` and `rmsprop`.
        rho: decay of `rmsprop`'s mean square.
        epsilon: of the optimizer; None: 1.0 for `rmsprop`, Keras's otherwise.
        schedule: `"cosine"` to 0 at the last step; `"exponential"`: times
            `decay_rate` every `decay_epochs`; `"constant"`.
        decay_rate: of the exponential schedule.
        decay_epochs: of the exponential schedule.
        staircase: whether it falls in steps.
        warmup_epochs: over which the rate rises linearly from 0.
        label_smoothing: probability spread over all classes.
        class_weights: `"balanced"`: an example's cross-entropy counts
            images / (classes * images of its class) times, as scikit-learn's
            `class_weight="balanced"`, and mixed labels as they are mixed; the
            loss is the mean of the products, evaluation's without them. A
            set that is read as a stream is read once more to count.
        auxiliary_weight: of the auxiliary head's loss.
        weight_decay: L2: this times half the squared norm of all kernels is
            added to the loss.
        decoupled_weight_decay: `adamw`'s, of kernels only.
        clip_norm: of the global gradient, all replicas' together; 0: none.
        ema_momentum: of the moving average of the weights, which evaluation
            uses and the saved model holds; 0: none.
        patience: evaluations without a lower loss after which training ends;
            0: it goes on to its last step.
    """

    batch_size: int = _field(32, least=1)
    epochs: float | None = _field(None, interval="(0, 1000000]")
    steps: int | None = _field(None, least=1)
    classifier_epochs: float = _field(0.0, interval="[0, 1000000]")
    classifier_learning_rate: float = _field(3e-3, interval="(0, inf)")
    optimizer: str = _field("sgd", choices=("sgd", "rmsprop", "adam", "adamw"))
    learning_rate: float = _field(0.025, interval="(0, inf)")
    momentum: float = _field(0.9, interval="[0, 1)")
    rho: float = _field(0.9, interval="[0, 1)")
    epsilon: float | None = _field(None, interval="(0, inf)")
    schedule: str = _field(
        "cosine", choices=("cosine", "exponential", "constant")
    )
    decay_rate: float = _field(0.97, interval="(0, 1]")
    decay_epochs: float = _field(2.4, interval="(0, inf)")
    staircase: bool = True
    warmup_epochs: float = _field(0.0, interval="[0, inf)")
    label_smoothing: float = _field(0.0, interval="[0, 1)")
    class_weights: str = _field("none", choices=("none", "balanced"))
    auxiliary_weight: float = _field(0.4, interval="[0, inf)")
    weight_decay: float = _field(0.0, interval="[0, inf)")
    decoupled_weight_decay: float = _field(0.004, interval="[0, inf)")
    clip_norm: float = _field(0.0, interval="[0, inf)")
    ema_momentum: float = _field(0.0, interval="[0, 1)")
    patience: int = _field(0, least=0)


@dataclasses.dataclass
class RuntimeConfig(hyperparams.Config):
    """Where it runs and what it tells.

    A job may be resumed with other values, but not of the first two.

    Args:
        seed: of weights, order, augmentation, drop path and dropout.
        synchronized_batch_norm: batch statistics over all replicas; without
            it each uses its own, and the moving statistics are averaged.
        strategy: `"auto"` takes `multi_worker` where `TF_CONFIG` names
            workers, `mirrored` where there are several GPUs.
        jit_compile: XLA; None: on accelerators only.
        log_every_steps: progress, `metrics.jsonl` and TensorBoard.
        evaluate_every_epochs: besides the last step.
        checkpoint_every_steps: None: every epoch.
        keep_checkpoints: the newest ones.
        tensorboard: whether to write its files.
    """

    seed: int = _field(0, least=0, most=MOST_SEED)
    synchronized_batch_norm: bool = False
    strategy: str = _field(
        "auto", choices=("auto", "one_device", "mirrored", "multi_worker")
    )
    jit_compile: bool | None = None
    log_every_steps: int = _field(100, least=1)
    evaluate_every_epochs: float = _field(1.0, interval="(0, 1000000]")
    checkpoint_every_steps: int | None = _field(None, least=1)
    keep_checkpoints: int = _field(3, least=1)
    tensorboard: bool = True


@dataclasses.dataclass
class ExperimentConfig(hyperparams.Config):
    """A training job."""

    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    recipe: RecipeConfig = dataclasses.field(default_factory=RecipeConfig)
    runtime: RuntimeConfig = dataclasses.field(default_factory=RuntimeConfig)
