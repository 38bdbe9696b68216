"""The three published genotypes (Figures 4, 7 and 8 and their captions)."""

from nasnet_tf.cells.genotype import Block, Cell, Genotype
from nasnet_tf.checks.errors import InputError

# Hidden states of A and C: 0 is h_i, 1 is h_{i-1}, 2 is block 0, and so on.
NASNET_A = Genotype(
    name="NASNet-A",
    normal=Cell(  # Figure 4, left
        blocks=(
            Block(("separable_conv_5x5", 0), ("separable_conv_3x3", 1)),
            Block(("separable_conv_5x5", 1), ("separable_conv_3x3", 1)),
            Block(("avg_pool_3x3", 0), ("identity", 1)),
            Block(("avg_pool_3x3", 1), ("avg_pool_3x3", 1)),
            Block(("separable_conv_3x3", 0), ("identity", 0)),
        ),
        # The published weights concatenate h_{i-1} too, which Figure 4
        # leaves out; only so is P = 24 F.
        outputs=((1, 2, 3, 4, 5, 6),),
    ),
    reduction=Cell(  # Figure 4, right
        blocks=(
            Block(("separable_conv_5x5", 0), ("separable_conv_7x7", 1)),
            Block(("max_pool_3x3", 0), ("separable_conv_7x7", 1)),
            Block(("avg_pool_3x3", 0), ("separable_conv_5x5", 1)),
            Block(("identity", 3), ("avg_pool_3x3", 2)),
            Block(("separable_conv_3x3", 2), ("max_pool_3x3", 0)),
        ),
        # Block 1 is concatenated in the published weights, not in Figure 4.
        outputs=((3, 4, 5, 6),),
    ),
    filters_divisor=24,
)

# Hidden states of B: 0 to 3 are h_0 to h_3 of Figure 7, 4 is output 0.
NASNET_B = Genotype(
    name="NASNet-B",
    normal=Cell(  # Figure 7, left
        blocks=(
            Block(("separable_conv_5x5", 1), ("identity", 2), "add_layer_norm"),
            Block(
                ("separable_conv_5x5", 0),
                ("separable_conv_3x3", 3),
                "add_layer_norm",
            ),
            Block(("separable_conv_3x3", 1), ("identity", 3), "add_layer_norm"),
            Block(("identity", 0), ("separable_conv_3x3", 1), "add_layer_norm"),
        ),
        outputs=((4,), (5,), (6,), (7,)),
        num_inputs=4,
    ),
    reduction=Cell(  # Figure 7, right
        blocks=(
            Block(
                ("separable_conv_3x3", 0),
                ("separable_conv_3x3", 1),
                "add_layer_norm",
            ),
            Block(("separable_conv_3x3", 1), ("identity", 3), "add_layer_norm"),
            Block(("identity", 2), ("avg_pool_3x3", 3), "add"),
            Block(("avg_pool_3x3", 0), ("conv_1x3_3x1", 4), "add"),
        ),
        outputs=((4,), (5,), (6,), (7,)),
        num_inputs=4,
    ),
    # What P means for B is not published; P / 24 is nearest its sizes.
    filters_divisor=24,
    # Figure 7's caption and App. B differ; App. B's reading keeps all four
    # inputs at one resolution and is nearest the published sizes.
    wiring="next_cell",
    project_inputs=False,
)

NASNET_C = Genotype(
    name="NASNet-C",
    normal=Cell(  # Figure 8, left
        blocks=(
            Block(("separable_conv_3x3", 0), ("separable_conv_5x5", 0)),
            Block(
                ("separable_conv_3x3", 0),
                ("separable_conv_3x3", 1),
                "add_instance_norm",
            ),
            Block(
                ("separable_conv_3x3", 0), ("separable_conv_3x3", 1), "concat"
            ),
            Block(
                ("separable_conv_3x3", 1), ("conv_1x3_3x1", 1), "add_layer_norm"
            ),
        ),
        outputs=((2, 3, 4, 5),),
    ),
    reduction=Cell(  # Figure 8, right
        blocks=(
            Block(("max_pool_3x3", 0), ("max_pool_3x3", 0), "concat"),
            Block(("conv_1x7_7x1", 0), ("max_pool_3x3", 1), "add_layer_norm"),
            Block(
                ("max_pool_3x3", 0), ("max_pool_3x3", 1), "add_instance_norm"
            ),
            Block(
                ("separable_conv_7x7", 1), ("max_pool_5x5", 1), "add_layer_norm"
            ),
        ),
        outputs=((2, 3, 4, 5),),
    ),
    filters_divisor=20,
)

GENOTYPES = {
    "NASNET_A": NASNET_A,
    "NASNET_B": NASNET_B,
    "NASNET_C": NASNET_C,
}


def get_genotype(genotype) -> Genotype:
    """A `Genotype` from itself, its `to_dict`, its name or its file.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(genotype, Genotype):
        return genotype
    if isinstance(genotype, dict):
        return Genotype.from_dict(genotype)
    name = str(genotype)
    key = name.upper().replace("-", "_")
    if key in GENOTYPES:
        return GENOTYPES[key]
    if name.endswith(".json"):
        return Genotype.load(name)
    raise InputError(
        f"genotype: {name!r} is neither one of {', '.join(GENOTYPES)} nor a "
        ".json file"
    )
