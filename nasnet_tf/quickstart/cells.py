"""Draws the cells of the network."""

import nasnet_tf
from nasnet_tf.pictures.cell_drawing import draw_genotype
from nasnet_tf.quickstart.training import configuration

TITLE = "The cells"
NEEDS = ()


def stage(context) -> None:
    """Draws the genotype that the quickstart trains."""
    config = configuration(context.seed, context.epochs)
    genotype = nasnet_tf.get_genotype(config.model.genotype)
    with context.new_file("cells.svg", "the network's cells, drawn") as path:
        draw_genotype(genotype, path)
    context.say(
        f"{genotype.name} is stacked from two cells: the normal cell keeps the "
        "size of its input, the reduction cell halves it."
    )
    context.section.image(
        (context.out / "cells.svg").read_bytes(),
        "image/svg+xml",
        f"The normal and the reduction cell of {genotype.name}",
    )
