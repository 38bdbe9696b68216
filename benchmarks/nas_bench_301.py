"""NAS-Bench-301's trainings as a surrogate: a space of cells, with noise.

A network of YAHPO Gym (Pfisterer et al. 2022) that was fitted to the trainings
of Siems et al. 2020, as an ONNX file beside its `encoding.json`: two cells of
four nodes, each the sum of two operations on two of the states before it.
"""

import json
import pathlib
import time

import numpy as np

from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.journal.beliefs import Belief
from nasnet_tf.search.journal.records import ChildRecord
from nasnet_tf.search.race import Race
from nasnet_tf.search.space.decisions import DecisionSpace

CELLS = ("normal", "reduce")
OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
# The first edge to each node; one from each state before it follows.
_START = {2: 0, 3: 2, 4: 5, 5: 9}
_EDGES = 14
# Of a node.
_DECISIONS = ("pair", "left", "right")
_ABSENT = "#na#"
# Epochs of a full training.
FULL = 98


class NasBench301:
    """Accuracies of cells by epoch, without noise.

    Args:
        folder: of `surrogate.onnx` and `encoding.json`.

    Raises:
        InputError: a file is missing, or is another.
    """

    def __init__(self, folder):
        # Only this benchmark needs it.
        import onnxruntime

        folder = pathlib.Path(folder)
        try:
            codes = json.loads((folder / "encoding.json").read_text())
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(
                folder / "surrogate.onnx", options
            )
        except Exception as error:  # onnxruntime's have no base of their own
            raise InputError(
                f"nas_bench_301: {folder} holds no surrogate.onnx and "
                f"encoding.json that can be read ({error})"
            ) from None
        # Their names begin with that of the data set.
        self._codes = {
            name.rpartition("COLON_")[2]: code for name, code in codes.items()
        }
        self._columns = [
            f"edge_{cell}_{edge}" for cell in CELLS for edge in range(_EDGES)
        ] + [f"inputs_node_{cell}_{n}" for cell in CELLS for n in (3, 4, 5)]
        names, kinds, options = [], [], []
        for cell in CELLS:
            for node in _START:
                names += [f"{cell}/{node}/{what}" for what in _DECISIONS]
                kinds += ["input", "operation", "operation"]
                pairs = tuple(f"{a}_{b}" for a, b in _pairs(node))
                options += [pairs, OPERATIONS, OPERATIONS]
        self.space = DecisionSpace(
            tuple(map(len, options)), tuple(names), tuple(kinds), tuple(options)
        )

    def accuracy(self, decisions, epochs: float = FULL) -> np.ndarray:
        """Validation accuracies in percent, `(n,)`."""
        codes = np.array([self._row(row) for row in decisions], "int32")
        lengths = np.full((len(codes), 1), epochs, "float32")
        inputs = {"x_cat": codes, "x_cont": lengths}
        return self._session.run(None, inputs)[0][:, 0].astype("float64")

    def _row(self, decisions):
        values = {}
        half = len(decisions) // 2
        for cell, part in zip(
            CELLS, (decisions[:half], decisions[half:]), strict=True
        ):
            values |= {f"edge_{cell}_{edge}": _ABSENT for edge in range(_EDGES)}
            for (node, first), (pair, left, right) in zip(
                _START.items(), np.reshape(part, (-1, 3)), strict=True
            ):
                a, b = _pairs(node)[pair]
                values[f"edge_{cell}_{first + a}"] = OPERATIONS[left]
                values[f"edge_{cell}_{first + b}"] = OPERATIONS[right]
                values[f"inputs_node_{cell}_{node}"] = f"{a}_{b}"
        return [self._codes[name][values[name]] for name in self._columns]


def recommended(strategy, tried, rewards) -> np.ndarray:
    """The architecture that a search ends with: `(decisions,)`.

    By what its strategy expects, or else of the highest reward.
    """
    expected = strategy.expected(tried)
    return tried[np.argmax(rewards if expected is None else expected)]


def search(
    bench, strategy, seed, samples, noise, epochs, round_size, budgets, race=0
):
    """One search: the true accuracy of what it recommends at each budget.

    With a race, so many of the last budget's trainings are repeats, and the
    last entry is what is expected of what is recommended then.
    """
    if race:
        samples, budgets = samples - race, ()
    strategy.restart(seed)
    # The same noise for all strategies; another than that of their draws.
    generator = np.random.default_rng((seed, 301))
    tried = np.zeros((0, len(bench.space)), "int32")
    rewards, found = np.zeros(0), []
    for _ in range(samples // round_size):
        proposals = strategy.propose(round_size)
        accuracies = bench.accuracy(proposals, epochs)
        accuracies += noise * generator.standard_normal(round_size)
        strategy.learn(proposals, accuracies / 100)
        tried = np.concatenate((tried, proposals))
        rewards = np.concatenate((rewards, accuracies))
        if len(tried) in budgets:
            best = recommended(strategy, tried, rewards)
            found.append(bench.accuracy(best[None])[0])
    if race:
        return raced(bench, strategy, tried, rewards, noise, generator, race)
    return found


def raced(bench, strategy, tried, rewards, noise, generator, trainings):
    """True and expected accuracy of what is recommended after a race."""
    records = [
        ChildRecord(number, 0, tuple(row), None, reward, reward)
        for number, (row, reward) in enumerate(
            zip(tried.tolist(), (rewards / 100).tolist(), strict=True)
        )
    ]
    expected, beliefs = strategy.expected(tried), {}
    if expected is not None:
        pairs = zip(expected, strategy.uncertainty(tried), strict=True)
        beliefs = {n: Belief(*map(float, p)) for n, p in enumerate(pairs)}
    race = Race(records, beliefs, trainings, most=10)
    while children := race.propose():
        rows = np.array([child.decisions for child in children])
        again = bench.accuracy(rows)
        again += noise * generator.standard_normal(len(again))
        race.learn(
            [
                ChildRecord(c.child, 0, c.decisions, None, value / 100, 0.0)
                for c, value in zip(children, again, strict=True)
            ]
        )
    beliefs = race.beliefs()
    best = max(beliefs, key=lambda child: beliefs[child].expected)
    true = bench.accuracy(tried[best][None])[0]
    return [true, 100 * beliefs[best].expected]


def compare_races(bench, make, names, seeds, noises, samples, race) -> str:
    """Searches of so many samples, and with fewer and a race.

    Returns:
        A table: the true accuracy of what each recommends, and what the race
        made of it expected.
    """
    lines = [
        f"| noise | strategy | {samples} samples | {samples - race} and a race "
        f"of {race} | expected after it |",
        "|---|---|---|---|---|",
    ]
    for noise in noises:
        for name in names:
            strategy = make(name, bench.space)

            def found(seed, race=0, strategy=strategy, noise=noise):
                return search(
                    bench,
                    strategy,
                    seed,
                    samples,
                    noise,
                    FULL,
                    10,
                    (samples,),
                    race,
                )

            plain = np.mean([found(seed)[0] for seed in seeds])
            true, expected = np.mean([found(s, race) for s in seeds], axis=0)
            lines.append(
                f"| {noise:g} | {name} | {plain:.2f} | {true:.2f} | "
                f"{expected:.2f} |"
            )
            print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def compare(bench, make, names, seeds, tasks, round_size=20) -> list[dict]:
    """Runs searches on several tasks.

    Args:
        bench: to search.
        make: `(name, space)` to a strategy.
        names: of the strategies; the others are compared with the last.
        seeds: of the searches.
        tasks: of `(title, noise, epochs, budgets)`: noise is the standard
            deviation of a reward in points, budgets count samples.
        round_size: samples that are proposed at once.

    Returns:
        A row for each task, budget and strategy: `mean` and `deviation` of the
        true accuracy after full training of what is recommended, and `p` of a
        paired t-test against the last strategy.
    """
    from scipy.stats import ttest_rel

    rows = []
    for title, noise, epochs, budgets in tasks:
        found = {}
        for name in names:
            strategy = make(name, bench.space)
            begun = time.perf_counter()
            found[name] = np.array(
                [
                    search(
                        bench,
                        strategy,
                        seed,
                        max(budgets),
                        noise,
                        epochs,
                        round_size,
                        budgets,
                    )
                    for seed in seeds
                ]
            )
            seconds = (time.perf_counter() - begun) / len(seeds)
            print(f"{title}, {name}: {seconds:.1f} s a search", flush=True)
        for place, budget in enumerate(budgets):
            last = found[names[-1]][:, place]
            for name in names:
                values = found[name][:, place]
                same = name == names[-1]
                rows.append(
                    {
                        "task": title,
                        "samples": budget,
                        "strategy": name,
                        "mean": float(values.mean()),
                        "deviation": float(values.std(ddof=1)),
                        "p": None
                        if same
                        else float(ttest_rel(values, last).pvalue),
                    }
                )
    return rows


def markdown(rows, names) -> str:
    """The rows as one table."""
    lines = [
        f"| task | samples | {' | '.join(names)} |",
        "|---|---" + "|---" * len(names) + "|",
    ]
    cells: dict = {}
    for row in rows:
        text = f"{row['mean']:.2f} ± {row['deviation']:.2f}"
        if row["p"] is not None:
            text += f" (p {row['p']:.1g})"
        cells.setdefault((row["task"], row["samples"]), []).append(text)
    for (task, samples), texts in cells.items():
        lines.append(f"| {task} | {samples} | {' | '.join(texts)} |")
    return "\n".join(lines) + "\n"


def _pairs(node):
    return [(a, b) for b in range(node) for a in range(b)]
