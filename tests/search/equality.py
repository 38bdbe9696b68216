"""How far traced children are from built ones.

python -m tests.search.equality --genotypes=50

For random genotypes of each space: the first batch's loss and gradients in
float32, and the losses of 20 steps in float64, relative to the built child's.
"""

import argparse

import numpy as np

from nasnet_tf.search.space.cell_space import make_cell_space
from tests.search.children.small_children import (
    both_forms,
    child_config,
    first_gradients,
    genotypes,
    losses,
    total_error,
)

STEPS = 20


def first_step(name, count, seed=0):
    """Yields the relative differences of the first loss and its gradients."""
    space = make_cell_space(name)
    traced, built = both_forms(child_config(), space)
    for genotype in genotypes(space, count, seed):
        loss, mine, other, theirs = first_gradients(traced, built, genotype)
        yield abs(loss / other - 1), total_error(mine, theirs)
        built.end()


def twenty_steps(name, count, seed=0):
    """Yields the largest relative difference of the losses in float64.

    At a small learning rate. At 1e-4, a traced child whose kernels are moved
    by their last bits is 1e-2 from itself after 20 steps; at 1e-5, 2e-11.
    """
    space = make_cell_space(name)
    config = child_config({"dtype": "float64"}, steps=STEPS, learning_rate=1e-6)
    traced, built = both_forms(config, space)
    for genotype in genotypes(space, count, seed):
        mine = np.array(losses(traced, genotype, STEPS))
        theirs = np.array(losses(built, genotype, STEPS))
        yield np.abs(mine / theirs - 1).max()
        built.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--genotypes", type=int, default=10)
    parser.add_argument("--spaces", default="A,B,C")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for name in arguments.spaces.split(","):
        pairs = first_step(name, arguments.genotypes, arguments.seed)
        for number, (loss, gradients) in enumerate(pairs):
            print(
                f"{name} {number}: first loss {loss:.1e}, gradients "
                f"{gradients:.1e}",
                flush=True,
            )
        steps = twenty_steps(name, arguments.genotypes, arguments.seed)
        for number, difference in enumerate(steps):
            print(
                f"{name} {number}: {STEPS} steps {difference:.1e}", flush=True
            )


if __name__ == "__main__":
    main()
