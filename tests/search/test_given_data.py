"""Searches on arrays that a program gives."""

import json
import os
import sys

import numpy as np
import pytest
import tensorflow as tf

from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.search.config_checks import read_search_config
from nasnet_tf.search.finalists.finish import finish
from nasnet_tf.search.loop import search
from nasnet_tf.training.config_files import read_config
from tests.conftest import line_of
from tests.worker_processes import run_workers

SMALL = (
    "space.operations=['identity','max_pool_3x3'],space.num_blocks=1,"
    "strategy.name=random,data.source=digits,data.name=null,data.held_out=40,"
    "data.augmentation=none,child.num_cells=1,child.filters=4,"
    "child.method=traced,recipe.batch_size=16,recipe.epochs=null,"
    "recipe.steps=4,budget.samples=4,budget.round_size=2,"
    "runtime.tensorboard=false"
)
NAMES = [str(number) for number in range(10)]


def small_search(*overrides):
    return read_search_config(override=",".join([SMALL, *overrides]))


def random_arrays(seed):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (60, 32, 32, 3), "uint8")
    return images, np.arange(60) % 10


@pytest.mark.slow
def test_a_search_on_arrays(few_digits, tmp_path):
    data = few_digits.train_images, few_digits.train_labels
    configured = search(small_search(), tmp_path / "digits", quiet=True)
    folder = tmp_path / "arrays"
    config = small_search()
    given = search(config, folder, quiet=True, data=data, class_names=NAMES)
    assert given.complete and not any(r.failure for r in given.records)
    results = [
        [(r.child, r.accuracy, r.reward) for r in result.records]
        for result in (configured, given)
    ]
    assert results[0] == results[1]
    assert given.digest == configured.digest
    saved = read_search_config([folder / "config.yaml"])
    assert saved.data.source == "python" and saved.data.digest
    assert config.data.source == "digits"

    # It goes on with the same arrays alone.
    more = small_search("budget.samples=6,budget.finalists=1")
    other = data[0][::-1].copy(), data[1]
    with pytest.raises(InputError, match=r"^data: other images") as error:
        search(more, folder, quiet=True, data=other, class_names=NAMES)
    line_of(error)
    with pytest.raises(InputError, match=r"^data: other images"):
        search(
            more, folder, quiet=True, data=data, class_names=list("abcdefghij")
        )
    with pytest.raises(InputError, match=r"data\.source: 'python' in the"):
        search(more, folder, quiet=True)
    with pytest.raises(InputError, match=r"^data\.source: 'python', images"):
        search(saved.replace(budget={"samples": 6}), folder, quiet=True)
    assert search(more, folder, quiet=True, data=data).samples == 6

    # And so do its finalists, and the job of what was found.
    with pytest.raises(InputError, match=r"^data\.source: 'python', images"):
        finish(saved.replace(budget={"finalists": 1}), folder, quiet=True)
    finish(more, folder, quiet=True, data=data)
    [best] = json.loads((folder / "finalists.json").read_text())["finalists"]
    assert best["failure"] is None and best["accuracy"] > 0
    assert read_config([folder / "train.yaml"]).data.source == "python"


def test_bad_data_is_one_line(tmp_path):
    images, labels = random_arrays(0)
    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    for line, given in (
        ("data: a search takes arrays, (images, labels)", {"data": dataset}),
        (
            "data: given beside make_trainer",
            {"data": (images, labels), "make_trainer": print},
        ),
        ("class_names: given without data", {"class_names": NAMES}),
        ("data: 60 images and 59 labels", {"data": (images, labels[1:])}),
    ):
        with pytest.raises(InputError) as error:
            search(small_search(), tmp_path / "new", quiet=True, **given)
        assert line_of(error).startswith(line)
        assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_all_workers_need_the_same_arrays(tmp_path):
    program = ["-m", "tests.search.test_given_data", str(tmp_path / "search")]
    texts = run_workers([*program, "differ"], 2, tmp_path / "differ")
    for text in texts:
        assert "the workers differ in the data that they were given" in text
    texts = run_workers([*program, "agree"], 2, tmp_path / "agree")
    first, second = (text.splitlines()[-1] for text in texts)
    assert first == second and first.startswith("digest ")


def main(model_dir, kind):
    """A worker: with arrays of its own, or with those that all have."""
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    data = random_arrays(index if kind == "differ" else 0)
    config = small_search("data.held_out=20")
    try:
        result = search(config, model_dir, quiet=True, data=data)
    except JobError as error:
        print(error)
    else:
        print(f"digest {result.digest}")


if __name__ == "__main__":
    main(*sys.argv[1:])
