"""A search foretold: how long it takes on a cluster."""

# What the command looks at, when it is not told otherwise. The paper had 450
# to 500 workers and 20,000 samples.
WORKERS = (1, 2, 20, 100, 450, 500)

ROUND_SIZES = (20, 100, 500, 2000)

ROUNDS_IN_FLIGHT = (1, 2, 3)

SAMPLES = 20_000

TARGET = 0.95
