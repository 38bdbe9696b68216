"""The job of a finalist, and of what a search found."""

import keras
import numpy as np
import tensorflow as tf

from nasnet_tf.cells.genotype import Block, Cell, Genotype
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.finalists.jobs import job_config
from nasnet_tf.search.finalists.training_job import save_training_job
from nasnet_tf.search.journal.found import found_file
from nasnet_tf.training.config import RecipeConfig
from nasnet_tf.training.config_checks import check_config
from nasnet_tf.training.config_files import read_config
from nasnet_tf.training.step import make_train_step
from tests.search.finalists.small_config import small_config
from tests.search.finished_searches import child_network, random_genotype


def test_a_job_is_the_child_trained_longer(tmp_path):
    config = small_config("budget.finalist_epochs=7")
    genotype = random_genotype(np.random.default_rng(0), blocks=2)
    job = job_config(config, tmp_path / "g.json", genotype, seed=3)
    assert job.recipe.epochs == 7 and job.recipe.learning_rate == 0.05
    assert job.model.penultimate_filters == 4 * genotype.filters_divisor
    assert job.data.held_out == 200 and job.runtime.seed == 3
    # The search's own recipe stays.
    assert config.recipe.epochs == 1


def test_the_job_of_what_was_found_is_on_the_searchs_data(tmp_path):
    config = small_config("data.pad=3")
    assert save_training_job(config, tmp_path) == []
    genotype = random_genotype(np.random.default_rng(2), blocks=3)
    genotype.save(tmp_path / "best.json")
    (path,) = save_training_job(config, tmp_path)
    job = read_config([path])
    check_config(job)
    assert job.model.genotype == str(tmp_path / "best.json")
    assert job.model.penultimate_filters == 8 * genotype.filters_divisor
    assert job.data == config.data.replace(held_out=0)
    assert job.recipe.epochs == 1
    config.recipe.epochs, config.recipe.steps = None, 45
    (tmp_path / "finalists").mkdir()
    genotype.save(tmp_path / "finalists/1.json")
    save_training_job(config, tmp_path)
    job = read_config([path])
    assert job.model.genotype == str(found_file(tmp_path))
    assert found_file(tmp_path).parent.name == "finalists"
    assert (job.recipe.epochs, job.recipe.steps) == (20, None)


def test_a_job_without_an_evaluation_split_holds_images_out(
    tmp_path, monkeypatch
):
    def missing(*arguments):
        raise InputError("data.evaluation_split: 'test' is not a folder")

    monkeypatch.setattr(
        "nasnet_tf.search.finalists.jobs.open_evaluation", missing
    )
    random_genotype(np.random.default_rng(2), 3).save(tmp_path / "best.json")
    (path,) = save_training_job(small_config(), tmp_path)
    assert read_config([path]).data.held_out == 200


def test_weights_that_nothing_reads_do_not_stop_a_job():
    # Both cells read h_{i-1} only: what adapts h_i has no gradient.
    block = Block(("separable_conv_3x3", 1), ("identity", 1))
    cell = Cell.with_unused_concatenated([block])
    genotype = Genotype("lopsided", cell, cell)
    network = child_network(genotype, 4, classifier_activation=None)
    step = make_train_step(
        network, keras.optimizers.SGD(0.1, momentum=0.9), RecipeConfig(), 0
    )
    images = np.random.default_rng(0).normal(size=(4, 32, 32, 3))
    labels = np.eye(10, dtype="float32")[:4]
    before = {v.path: v.numpy() for v in network.trainable_variables}
    found = tf.function(step, autograph=False)(images.astype("float32"), labels)
    assert np.isfinite(found["loss"])
    after = {v.path: v.numpy() for v in network.trainable_variables}
    same = {
        name for name in before if np.array_equal(before[name], after[name])
    }
    # The last cell's h_i, and the cell that only it would read.
    assert "cell_2/input_0/conv_1/kernel" in same
    assert "cell_2/input_1/conv_1/kernel" not in same
    assert len(same) < len(before)
