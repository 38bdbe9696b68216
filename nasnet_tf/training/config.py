"""What a training job can be told."""

import dataclasses

from nasnet_tf.configuration.sections import MOST_SEED, Section, field
from nasnet_tf.data.config import DataConfig
from nasnet_tf.zoo.configured_network import ModelConfig


@dataclasses.dataclass
class RecipeConfig(Section):
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

    # Batch, rate and cosine are those of TF-slim's CIFAR networks.
    batch_size: int = field(32, least=1)
    epochs: float | None = field(None, interval="(0, 1000000]")
    steps: int | None = field(None, least=1)
    classifier_epochs: float = field(0.0, interval="[0, 1000000]")
    classifier_learning_rate: float = field(3e-3, interval="(0, inf)")
    optimizer: str = field("sgd", choices=("sgd", "rmsprop", "adam", "adamw"))
    learning_rate: float = field(0.025, interval="(0, inf)")
    momentum: float = field(0.9, interval="[0, 1)")
    rho: float = field(0.9, interval="[0, 1)")
    epsilon: float | None = field(None, interval="(0, inf)")
    schedule: str = field(
        "cosine", choices=("cosine", "exponential", "constant")
    )
    # Decay and its epochs are those of TF-slim's ImageNet networks.
    decay_rate: float = field(0.97, interval="(0, 1]")
    decay_epochs: float = field(2.4, interval="(0, inf)")
    staircase: bool = True
    warmup_epochs: float = field(0.0, interval="[0, inf)")
    label_smoothing: float = field(0.0, interval="[0, 1)")
    class_weights: str = field("none", choices=("none", "balanced"))
    # TF-slim's.
    auxiliary_weight: float = field(0.4, interval="[0, inf)")
    weight_decay: float = field(0.0, interval="[0, inf)")
    # Keras's own.
    decoupled_weight_decay: float = field(0.004, interval="[0, inf)")
    clip_norm: float = field(0.0, interval="[0, inf)")
    ema_momentum: float = field(0.0, interval="[0, 1)")
    patience: int = field(0, least=0)


@dataclasses.dataclass
class RuntimeConfig(Section):
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

    seed: int = field(0, least=0, most=MOST_SEED)
    synchronized_batch_norm: bool = False
    strategy: str = field(
        "auto", choices=("auto", "one_device", "mirrored", "multi_worker")
    )
    jit_compile: bool | None = None
    log_every_steps: int = field(100, least=1)
    evaluate_every_epochs: float = field(1.0, interval="(0, 1000000]")
    checkpoint_every_steps: int | None = field(None, least=1)
    keep_checkpoints: int = field(3, least=1)
    tensorboard: bool = True


@dataclasses.dataclass
class ExperimentConfig(Section):
    """A training job."""

    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    recipe: RecipeConfig = dataclasses.field(default_factory=RecipeConfig)
    runtime: RuntimeConfig = dataclasses.field(default_factory=RuntimeConfig)
