"""What a search can be told.

The defaults are the paper's (section 3.1, App. A.1 and A.2).
"""

import dataclasses

from nasnet_tf.configuration.sections import MOST_SEED, Section, field
from nasnet_tf.data.config import DataConfig
from nasnet_tf.search.strategies import STRATEGIES, settings_fields
from nasnet_tf.training.config import RecipeConfig

# Of the paper's CIFAR networks, as in the presets.
BATCH_NORM_EPSILON = 1e-5


@dataclasses.dataclass
class SpaceConfig(Section):
    """The cells to choose from.

    Args:
        name: `"A"`, `"B"` or `"C"`: the space that NASNet-A, B or C is of.
        operations: of `nasnet_tf.cells.operations`; None: the paper's 13.
        combiners: None: the space's own.
        num_blocks: of a cell; None: the space's own, 5 of A, 4 of B and C.
    """

    name: str = field("A", choices=("A", "B", "C"))
    operations: list[str] | None = None
    combiners: list[str] | None = None
    num_blocks: int | None = field(None, least=1)


@dataclasses.dataclass
class StrategyConfig(Section):
    """Who proposes the architectures.

    Args:
        name: `"rl"`, the paper's: a recurrent network trained by PPO;
            `"random"`: each choice uniform; `"evolution"`: regularised
            evolution (Real et al. 2019); `"surrogate"`: a model of the
            rewards, which takes the fewest samples.

    The settings of all strategies follow it, `ControllerSettings` of `"rl"`,
    `EvolutionSettings` and `SurrogateSettings` among them; a strategy reads its
    own.
    """

    name: str = field("rl", choices=STRATEGIES)


def _strategy_section() -> StrategyConfig:
    # When a configuration is made: strategies may be registered till then.
    fields = [
        (name, field.type, field) for name, field in settings_fields().items()
    ]
    kind = dataclasses.make_dataclass(
        "StrategyConfig", fields, bases=(StrategyConfig,)
    )
    return kind()


@dataclasses.dataclass
class ChildConfig(Section):
    """The network that an architecture is judged by.

    Args:
        num_cells: N, normal cells of each group.
        filters: F, of the first group. With `match` that of NASNET_A,
            which sets the size of all children.
        match: `"none"`: all children have the same F, so that those whose
            cells have fewer weights are smaller; `"parameters"` or
            `"mult_adds"`: each has the F, from 2 to four times `filters`, at
            which it has as many of them as NASNET_A with `filters`, as nearly
            as can be.
        stem_multiplier: the stem has so many times `filters`.
        input_size: height and width in pixels.
        preprocessing: `"scale"` or `"whitening"`.
        batch_norm_momentum: of the moving statistics.
        recalibrate_batch_norm: whether batch-norm statistics are measured anew
            over training images before a child is judged; see `ModelConfig`.
        drop_path_keep_prob: of the last cell; 1: no drop path.
        dtype: of weights and computation.
        method: `"built"` builds and traces a network for each child;
            `"traced"` traces one program for all children of the space;
            `"auto"` takes what is faster; `"shared"` does not train a child
            from scratch but goes on with the weights that children before it
            left where they have the same operation (as ENAS, Pham et al.
            2018), which is another and cheaper judgement, on one worker.
    """

    num_cells: int = field(2, least=1)
    filters: int = field(24, least=2)
    match: str = field("none", choices=("none", "parameters", "mult_adds"))
    stem_multiplier: float = field(3.0, interval="(0, inf)")
    # The least that `NASNet` reads.
    input_size: int = field(32, least=32)
    preprocessing: str = field("whitening", choices=("scale", "whitening"))
    # TF-slim's for CIFAR, as the epsilon is.
    batch_norm_momentum: float = field(0.9, interval="[0, 1]")
    # Not as in jobs: children read more with it, and seeds differ as much.
    recalibrate_batch_norm: str = field(
        "never", choices=("auto", "always", "never")
    )
    drop_path_keep_prob: float = field(1.0, interval="(0, 1]")
    # float64 is to compare runs in: their rounding does not grow.
    dtype: str = field("float32", choices=("float32", "float64"))
    method: str = field("auto", choices=("auto", "traced", "built", "shared"))


@dataclasses.dataclass
class ObjectiveConfig(Section):
    """What a child is rewarded for: accuracy times (cost / target)^exponent.

    MnasNet's form (Tan et al. 2019, equation 2). Or the front of accuracy
    against cost, see `front`.

    Args:
        measure: `"accuracy"` on the held-out images, or `"loss"`, for which
            exp(-loss) stands in its place: the geometric mean of what it gives
            the right classes. It changes with every image, where accuracy of
            few held-out images jumps.
        cost: `"none"`: accuracy alone; `"parameters"`; `"mult_adds"`;
            `"latency"`: milliseconds in LiteRT on one thread.
        target: the cost at which the reward is the accuracy.
        exponent: below 0, so that less cost is more reward.
        front: the reward is the accuracy alone, and the search is for the best
            at every cost at which a cell can be better than most; of a strategy
            that can, `"surrogate"`.
    """

    measure: str = field("accuracy", choices=("accuracy", "loss"))
    cost: str = field(
        "none", choices=("none", "parameters", "mult_adds", "latency")
    )
    target: float | None = field(None, interval="(0, inf)")
    # MnasNet's.
    exponent: float = field(-0.07, interval="(-inf, 0]")
    front: bool = False


@dataclasses.dataclass
class BudgetConfig(Section):
    """How much is tried.

    Args:
        samples: architectures proposed, repeats included; a multiple of
            `round_size`. It may be raised later to go on.
        round_size: architectures between two updates of the strategy.
        race: after these so many trainings of children that were trained
            before, with other seeds: of those that may be the best, until one
            is told apart; see `nasnet_tf.search.race`. It may be raised later.
        rounds_in_flight: a round is proposed when all but this many rounds
            before it have updated the strategy; above 1, workers that have
            no child left of one round begin with the next.
        finalists: the best so many are trained again, longer.
        finalist_epochs: of their training; None: as `recipe`.
        finalist_seeds: trainings of each, of which the mean counts.
        finalist_num_cells: their N; None: the children's.
        finalist_filters: their F, with `child.match` that of NASNET_A; None:
            the children's.
        compare: genotypes that are trained beside the finalists, names such as
            `NASNET_A` or files.
    """

    samples: int = field(20_000, least=1)
    round_size: int = field(20, least=1)
    race: int = field(0, least=0)
    rounds_in_flight: int = field(1, least=1)
    finalists: int = field(0, least=0)
    finalist_epochs: float | None = field(None, interval="(0, 1000000]")
    finalist_seeds: int = field(1, least=1)
    finalist_num_cells: int | None = field(None, least=1)
    finalist_filters: int | None = field(None, least=2)
    compare: list[str] | None = None


@dataclasses.dataclass
class SearchRuntimeConfig(Section):
    """Where it runs and what it tells.

    A search may go on with other values, but not of the seed.

    Args:
        seed: of proposals and of children's weights and data.
        tensorboard: whether to write its files.
        threads: of a worker; None: one, or as many as TensorFlow likes where
            there is a GPU. Another number may change the last bits of a
            child's weights.
        start_timeout: seconds after which a worker that never came up is
            named.
        lost_after: seconds without a sign of life after which a worker counts
            as dead.
        child_timeout: seconds that a child may take; None: ten times the
            median of those that are trained, and not below 600; a day while
            fewer than five are. One that takes longer ends its process, and
            fails when that happened twice.
        max_restarts: of all local workers, without a newly finished child.
    """

    seed: int = field(0, least=0, most=MOST_SEED)
    tensorboard: bool = True
    threads: int | None = field(None, least=1)
    start_timeout: float = field(300.0, interval="(0, inf)")
    lost_after: float = field(120.0, interval="(0, inf)")
    child_timeout: float | None = field(None, interval="(0, inf)")
    max_restarts: int = field(5, least=0)


def _paper_data():
    return DataConfig(
        source="tfds", name="cifar10", held_out=5_000, augmentation="cifar"
    )


def _paper_recipe():
    return RecipeConfig(epochs=20.0, weight_decay=5e-4, clip_norm=5.0)


@dataclasses.dataclass
class SearchConfig(Section):
    """A search.

    Args:
        data: of the children; the reward is measured on `data.held_out`
            images, or on the evaluation split where that is 0.
        recipe: of the children; by default SGD with momentum and one cosine
            decay.
    """

    space: SpaceConfig = dataclasses.field(default_factory=SpaceConfig)
    strategy: StrategyConfig = dataclasses.field(
        default_factory=_strategy_section
    )
    child: ChildConfig = dataclasses.field(default_factory=ChildConfig)
    data: DataConfig = dataclasses.field(default_factory=_paper_data)
    recipe: RecipeConfig = dataclasses.field(default_factory=_paper_recipe)
    objective: ObjectiveConfig = dataclasses.field(
        default_factory=ObjectiveConfig
    )
    budget: BudgetConfig = dataclasses.field(default_factory=BudgetConfig)
    runtime: SearchRuntimeConfig = dataclasses.field(
        default_factory=SearchRuntimeConfig
    )
