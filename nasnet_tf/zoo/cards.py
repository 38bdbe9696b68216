"""What the paper publishes of each network beside what is counted here."""

import dataclasses
import textwrap

from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.zoo.mult_adds import count_preset
from nasnet_tf.zoo.presets import NO_WEIGHTS, PRESETS, get_preset

WIDTH = 130
# Two lines over each column and how it is aligned.
COLUMNS = (
    ("", "network", "<"),
    ("", "input", ">"),
    ("parameters", "paper", ">"),
    ("parameters", "counted", ">"),
    ("", "ratio", ">"),
    ("mult-adds", "paper", ">"),
    ("mult-adds", "counted", ">"),
    ("", "ratio", ">"),
    ("", "accuracy in the paper", "<"),
    ("", "weights", "<"),
    ("", "note", "<"),
)
COUNTED = (
    "Parameters are the trainable ones, without batch-norm statistics; "
    "mult-adds are those of convolutions and classifier for one image of the "
    "input size; both without the auxiliary head."
)


def summarize(presets=None) -> list[dict]:
    """The cards of presets with their counted sizes.

    Args:
        presets: names; all of `nasnet_tf.list_presets()` by default.

    Returns:
        For each preset a dict of plain values: the fields of its card;
        `filters`, F of the first group; `classes`; `parameters` and
        `mult_adds` as counted; `parameters_ratio` and `mult_adds_ratio`,
        counted over published, None where the paper has none.

    Raises:
        InputError: an unknown preset.
    """
    return [_card(get_preset(name)) for name in presets or PRESETS]


def _card(preset):
    size = count_preset(preset)
    genotype = get_genotype(preset.genotype)
    published = {
        "parameters": preset.published_parameters,
        "mult_adds": preset.published_mult_adds,
    }
    ratios = {
        f"{key}_ratio": value and round(getattr(size, key) / value / 1e6, 4)
        for key, value in published.items()
    }
    return {
        **dataclasses.asdict(preset),
        "filters": genotype.filters(preset.penultimate_filters),
        "classes": preset.arguments["classes"],
        "preprocessing": preset.arguments["preprocessing"],
        **dataclasses.asdict(size),
        **ratios,
    }


def format_table(cards: list[dict]) -> str:
    """The cards as a text table, their notes below it.

    Args:
        cards: from `summarize`.
    """
    notes = list(dict.fromkeys(card["note"] for card in cards if card["note"]))
    *headings, sides = zip(*COLUMNS, strict=True)
    rows = [*headings, *(_row(card, notes) for card in cards)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            f"{text:{side}{width}}"
            for text, side, width in zip(row, sides, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    lines.insert(2, "-" * max(map(len, lines)))
    paragraphs = [COUNTED]
    paragraphs += [f"[{n}] {note}" for n, note in enumerate(notes, start=1)]
    for paragraph in paragraphs:
        lines += ["", *textwrap.wrap(paragraph, WIDTH)]
    return "\n".join(lines)


def _row(card, notes):
    return (
        card["name"],
        f"{card['input_size']}x{card['input_size']}",
        f"{card['published_parameters']:.1f}M",
        f"{card['parameters'] / 1e6:.2f}M",
        _ratio(card["parameters_ratio"]),
        _mult_adds(card["published_mult_adds"]),
        _mult_adds(card["mult_adds"] / 1e6),
        _ratio(card["mult_adds_ratio"]),
        card["published_accuracy"],
        "-" if card["weights"] == NO_WEIGHTS else "imagenet",
        f"[{notes.index(card['note']) + 1}]" if card["note"] else "",
    )


def _ratio(value):
    return "-" if value is None else f"{value:.3f}"


def _mult_adds(millions):
    if millions is None:
        return "-"
    if millions >= 1000:
        return f"{millions / 1000:.2f}B"
    return f"{millions:.1f}M"


def format_card(card: dict) -> str:
    """Everything on one card, a line each.

    Args:
        card: one of `summarize`.
    """
    size = f"{card['input_size']}x{card['input_size']}"
    parameters = f"{card['published_parameters']:.1f}M in the paper"
    mult_adds = f"{_mult_adds(card['published_mult_adds'])} in the paper"
    if card["published_mult_adds"] is None:
        mult_adds = "not in the paper"
    lines = {
        "network": f"{card['name']}, {card['title']}",
        "genotype": card["genotype"],
        "cells": f"N = {card['num_cells']} a group",
        "filters": f"P = {card['penultimate_filters']}, F = {card['filters']}",
        "stem": f"{card['stem']}, multiplier {card['stem_multiplier']}",
        "skip_reduction_layer_input": card["skip_reduction_layer_input"],
        "input": f"{size}, preprocessing {card['preprocessing']!r}",
        "classes": card["classes"],
        "parameters": f"{parameters}, {card['parameters']:,} counted",
        "mult-adds": f"{mult_adds}, {card['mult_adds']:,} counted",
        "accuracy": f"{card['published_accuracy']} ({card['source']})",
        "weights": card["weights"],
        "license": card["license"],
        "note": card["note"] or "-",
    }
    width = max(map(len, lines)) + 2
    text = [f"{key:{width}}{value}" for key, value in lines.items()]
    return "\n".join([*text, "", *textwrap.wrap(COUNTED, WIDTH)])
