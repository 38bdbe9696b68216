"""What the controller thinks of every decision, over time, as figures."""

import numpy as np

from nasnet_tf.cells.operations import operation_names
from nasnet_tf.checks.errors import InputError
from nasnet_tf.pictures import figures
from nasnet_tf.search.journal.reading import SearchRun
from nasnet_tf.search.report.pictures import styled
from nasnet_tf.search.space.cell_space import make_cell_space

OPERATION = "operation"
# Inches of a row of the heat map: one option of one decision.
_ROW = 0.034
_COLORS = (
    *("#6b7280", "#1f4e9c", "#0284c7", "#0e7490", "#15803d", "#65a30d"),
    *("#a16207", "#c2410c", "#f59e0b", "#be185d", "#dc2626", "#7e22ce"),
    "#a855f7",
)


def read_probabilities(
    run: SearchRun,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The probabilities of all decisions over time.

    Returns:
        Samples `(rounds,)`, of the rounds that have them; and for each
        decision an array `(rounds, options)`.
    """
    samples, rows = [], []
    for line in run.rounds:
        path = run.folder / line.get("probabilities", "?")
        if not path.is_file():
            continue
        with np.load(path) as file:
            rows.append([file[name] for name in file.files])
        samples.append(line["samples"])
    # Nothing of `zip` where no round has them.
    decisions = [np.stack(parts) for parts in zip(*rows, strict=True)]
    return np.array(samples), decisions


def find_space(run: SearchRun, sizes: list[int]):
    """The cell space of a run; None where it has another one."""
    try:
        space = make_cell_space(**run.config.get("space", {}))
    # A TypeError where another kind of space has other fields.
    except (InputError, TypeError):
        return None
    return space if list(space.sizes) == sizes else None


def heat_maps(
    samples: np.ndarray, decisions: list[np.ndarray], space=None
) -> list:
    """The probability of every option of every decision over time.

    Args:
        samples: of `read_probabilities`.
        decisions: the same.
        space: whose names the decisions have, or None.

    Returns:
        Pairs of a title and a figure: one for each cell where the space has
        cells.
    """
    names = [f"decision {number}" for number in range(len(decisions))]
    options = [map(str, range(part.shape[1])) for part in decisions]
    if space is not None:
        names, options = space.names, space.options
    groups: dict[str, list[tuple]] = {}
    for name, labels, part in zip(names, options, decisions, strict=True):
        title, _, rest = name.rpartition("/")
        cell, _, block = title.partition("/")
        shown = f"{block} {rest}".replace("_", " ").strip()
        groups.setdefault(cell, []).append((shown, list(labels), part))
    return [
        (f"the {cell} cell" if cell else "all decisions", _heat_map(samples, g))
        for cell, g in groups.items()
    ]


@styled
def _heat_map(samples, group):
    rows = np.concatenate([part.T for _, _, part in group])
    ends = np.cumsum([part.shape[1] for _, _, part in group])
    height = max(2.0, _ROW * len(rows) + 0.16 * len(group)) + 0.7
    figure, axes = figures.new_figure(7.2, height)
    # A single round needs a width.
    left, right = samples[0], samples[-1] + (len(samples) == 1)
    image = axes.imshow(
        rows,
        aspect="auto",
        cmap="magma",
        vmin=0,
        vmax=max(0.5, rows.max()),
        interpolation="nearest",
        extent=(left, right, len(rows), 0),
    )
    for end in ends[:-1]:
        axes.axhline(end, color="white", linewidth=0.7)
    centres = ends - np.diff([0, *ends]) / 2
    axes.set_yticks(centres, [name for name, _, _ in group], fontsize=7)
    axes.tick_params(axis="y", length=0)
    last = axes.twinx()
    last.set_ylim(axes.get_ylim())
    last.set_yticks(centres, [_likeliest(*g[1:]) for g in group], fontsize=7)
    last.tick_params(axis="y", length=0)
    for side in axes, last:
        for spine in side.spines.values():
            spine.set_visible(False)
    axes.set_xlabel("samples")
    bar = figure.colorbar(
        image,
        ax=last,
        label="probability",
        orientation="horizontal",
        location="top",
        shrink=0.5,
        aspect=40,
    )
    bar.outline.set_visible(False)
    return figure


def _likeliest(labels, part):
    best = int(part[-1].argmax())
    return f"{labels[best].replace('_', ' ')} {part[-1, best]:.0%}"


@styled
def operations(samples: np.ndarray, decisions: list[np.ndarray], space):
    """How often each operation is chosen, over all operation decisions."""
    chosen = [
        part
        for part, kind in zip(decisions, space.kinds, strict=True)
        if kind == OPERATION
    ]
    shares = np.mean(chosen, axis=0)
    figure, axes = figures.new_figure(9.4, 4.0)
    labels, names = list(space.operations), operation_names()
    order = np.argsort(-shares[-1])
    for index in order:
        axes.plot(
            samples,
            100 * shares[:, index],
            color=_COLORS[names.index(labels[index]) % len(_COLORS)],
            linewidth=1.7,
            label=f"{labels[index].replace('_', ' ')}  {shares[-1, index]:.1%}",
        )
    axes.set_ylim(bottom=0)
    axes.set_xlabel("samples")
    axes.set_ylabel("share of the operations, %")
    axes.grid(alpha=0.2, linewidth=0.6)
    axes.legend(
        frameon=False,
        fontsize=8,
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
    )
    return figure
