"""Finalists: chosen, trained longer, ranked, compared."""

import functools
import json
import re

import numpy as np
import pytest

from nasnet_tf import evaluation
from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.configuration.files import save_config
from nasnet_tf.search.finalists import jobs as jobs_module
from nasnet_tf.search.finalists.jobs import Candidate
from nasnet_tf.search.finalists.training import (
    _of_least_difference,
    train_finalists,
)
from nasnet_tf.search.finalists.training_job import save_training_job
from nasnet_tf.search.journal.beliefs import Belief, recommended
from nasnet_tf.search.journal.found import found_file
from nasnet_tf.search.journal.records import ChildRecord, read_journal
from nasnet_tf.search.report.page import write_report
from nasnet_tf.search.sizes import child_size, filters_of_size, matched_child
from nasnet_tf.training.config_files import read_config
from nasnet_tf.training.results import TrainingResult
from nasnet_tf.zoo.mult_adds import count_parameters
from tests.search.finalists.small_config import small_config
from tests.search.finished_searches import child_network, random_genotype


def _record(child, reward, failure=None, genotype=None):
    return ChildRecord(
        child,
        0,
        (child,),
        genotype,
        reward,
        reward,
        failure=failure,
        finished="2026-01-01T00:00:00+00:00",
    )


def test_the_best_are_chosen_without_failures():
    records = [
        _record(0, 0.5),
        _record(1, 0.7),
        _record(2, 0.9, failure="diverged"),
        _record(3, 0.7),
        _record(4, 0.6),
    ]
    # Of equal ones the earlier goes before.
    assert [r.child for r in recommended(records, {}, 3)] == [1, 3, 4]
    assert len(recommended(records, {}, 9)) == 4
    # Child 4's round is not done.
    beliefs = {0: Belief(0.8, 0.1), 1: Belief(0.6, 0.1), 3: Belief(0.65, 0)}
    assert [r.child for r in recommended(records, beliefs, 9)] == [0, 3, 1]


def _write_search(folder, count=3):
    generator = np.random.default_rng(0)
    (folder / "journal").mkdir(parents=True)
    records = [
        _record(
            child,
            0.5 + child / 100,
            genotype=random_genotype(generator, blocks=1).to_dict(),
        )
        for child in range(count)
    ]
    text = "".join(record.to_json() + "\n" for record in records)
    (folder / "journal/worker_0.jsonl").write_text(text)


# Child 1 overtakes child 2, which the search found better.
ACCURACIES = {"child_1": 0.8, "child_2": 0.6, "other": 0.7}


@pytest.fixture
def jobs(monkeypatch):
    """The jobs that were run, in place of training: name and seed."""
    run, measured = [], {}
    network = functools.cache(functools.partial(child_network, filters=4))

    def evaluate(model, source, config):
        # A network takes a second to trace, and jobs of one cell share it.
        key = (model, source.name)
        if key not in measured:
            measured[key] = evaluation.evaluate(model, source, config)
        return measured[key]

    def train(config, model_dir, quiet, **given):
        genotype = Genotype.load(config.model.genotype)
        run.append((genotype.name, config.runtime.seed))
        accuracy = ACCURACIES[genotype.name] + config.runtime.seed / 10
        return TrainingResult(
            model=network(genotype),
            step=9,
            complete=True,
            evaluation={"loss": 1.0, "accuracy": accuracy},
            history={},
            seconds=2.0,
            files={},
        )

    monkeypatch.setattr(jobs_module, "train", train)
    monkeypatch.setattr(jobs_module, "evaluate", evaluate)
    return run


def test_finalists_are_ranked_and_not_trained_again(tmp_path, jobs):
    config = small_config(
        "budget.finalists=2,budget.finalist_epochs=1.5,budget.finalist_seeds=2"
    )
    _write_search(tmp_path)
    other = random_genotype(np.random.default_rng(9), blocks=1, name="other")
    files = train_finalists(config, tmp_path, compare=[other], quiet=True)
    names = [file.name for file in files]
    assert names == ["finalists.json", "1.json", "2.json"]
    names = ("child_2", "child_1", "other")
    assert jobs == [(name, seed) for name in names for seed in (0, 1)]
    summary = json.loads(files[0].read_text())
    ranked, (compared,) = summary["finalists"], summary["compared"]
    assert [entry["name"] for entry in ranked] == ["child_1", "child_2"]
    assert ranked[0]["accuracies"] == pytest.approx([0.8, 0.9])
    assert ranked[0]["accuracy"] == pytest.approx(0.85)
    assert ranked[0]["search_accuracy"] == 0.51
    # Networks that were not trained, on digits that took no part.
    assert all(0 <= a <= 0.3 for a in ranked[0]["test_accuracies"])
    assert summary["epochs"] == 1.5 and summary["seeds"] == 2
    assert compared["name"] == "other" and compared["child"] is None
    for rank, entry in enumerate(ranked, start=1):
        assert entry["rank"] == rank
        genotype = Genotype.load(tmp_path / entry["file"])
        assert genotype.name == entry["name"]
        assert entry["parameters"] == count_parameters(
            child_network(genotype, 4)
        )

    # What is done is not done again; another seed or length is.
    jobs.clear()
    before = files[0].read_bytes()
    train_finalists(config, tmp_path, compare=[other], quiet=True)
    assert jobs == [] and files[0].read_bytes() == before
    # What stood beside them stays there, while it was trained as long.
    train_finalists(config, tmp_path, quiet=True)
    assert jobs == [] and files[0].read_bytes() == before
    save_config(config, tmp_path / "config.yaml")
    assert "<td>other</td>" in write_report(tmp_path).read_text()
    config.budget.finalist_seeds = 3
    train_finalists(config, tmp_path, quiet=True)
    assert jobs == [("child_2", 2), ("child_1", 2)]
    assert json.loads(files[0].read_text())["compared"] == []
    jobs.clear()
    config.budget.finalists, config.budget.finalist_epochs = 1, 4.0
    train_finalists(config, tmp_path, quiet=True)
    assert jobs == [("child_2", seed) for seed in (0, 1, 2)]


@pytest.mark.slow
def test_compared_networks_can_have_the_parameters_of_the_best(tmp_path, jobs):
    config = small_config("budget.finalists=2")
    _write_search(tmp_path)
    other = random_genotype(np.random.default_rng(9), blocks=5, name="other")
    # The best finalist, not the best of the search.
    best = Genotype.from_dict(read_journal(tmp_path)[1].genotype)
    parameters = child_size(best, config.child, 10, 1).parameters
    filters = filters_of_size(other, config.child, parameters, 10, 1)
    files = train_finalists(
        config, tmp_path, compare=[other], match="parameters", quiet=True
    )
    summary = json.loads(files[0].read_text())
    assert summary["finalists"][0]["name"] == "child_1"
    assert summary["finalists"][0]["filters"] == 4
    # Five blocks in place of one.
    assert summary["compared"][0]["filters"] == filters < 4
    with pytest.raises(InputError, match="match: 'size'"):
        train_finalists(config, tmp_path, match="size")


def test_finalists_of_matched_children_are_matched(tmp_path, jobs):
    config = small_config("budget.finalists=1", "child.match=parameters")
    _write_search(tmp_path)
    other = random_genotype(np.random.default_rng(9), blocks=2, name="other")
    files = train_finalists(config, tmp_path, compare=[other], quiet=True)
    summary = json.loads(files[0].read_text())
    (found,), (compared,) = summary["finalists"], summary["compared"]
    # As many weights as NASNET_A with 4 need more filters in fewer blocks.
    assert 4 < compared["filters"] < found["filters"] <= 16
    # Of more filters there are more steps, and the one is taken where sizes
    # differ least.
    best = Genotype.load(files[1])
    child = config.child.replace(filters=16)
    near = _of_least_difference(
        [Candidate("best", best)], [Candidate("other", other)], child, (10, 1)
    )
    assert 14 <= near.filters <= 18
    sizes = [
        child_size(one, matched_child(one, near, 10, 1), 10, 1).parameters
        for one in (best, other)
    ]
    assert max(sizes) < 1.03 * min(sizes)
    (job,) = save_training_job(config, tmp_path)
    genotype = Genotype.load(files[1])
    assert read_config([job]).model.penultimate_filters == (
        2 * found["filters"] * genotype.filters_divisor
    )


def test_cells_of_one_name_are_not_one_cell(tmp_path, jobs):
    config = small_config("budget.finalists=1")
    _write_search(tmp_path)
    other = random_genotype(np.random.default_rng(9), blocks=2, name="child_2")
    files = train_finalists(config, tmp_path, compare=[other], quiet=True)
    assert jobs == [("child_2", 0), ("child_2", 0)]
    (compared,) = json.loads(files[0].read_text())["compared"]
    assert compared["parameters"] == count_parameters(child_network(other, 4))


def test_the_reward_is_of_the_network_that_was_trained(tmp_path, jobs):
    config = small_config(
        "budget.finalists=1,objective.cost=parameters,objective.target=2000"
    )
    _write_search(tmp_path)
    files = train_finalists(config, tmp_path, quiet=True)
    (entry,) = json.loads(files[0].read_text())["finalists"]
    assert entry["cost"] == entry["parameters"]
    assert entry["reward"] == pytest.approx(
        entry["accuracy"] * (entry["cost"] / 2000) ** -0.07
    )


def test_a_finalist_that_fails_is_told_and_ranked_last(
    tmp_path, jobs, monkeypatch
):
    trained = jobs_module.train

    def train(config, model_dir, quiet, **given):
        if Genotype.load(config.model.genotype).name == "child_2":
            raise JobError("the loss is nan at step 3")
        return trained(config, model_dir, quiet)

    monkeypatch.setattr(jobs_module, "train", train)
    config = small_config("budget.finalists=2")
    _write_search(tmp_path)
    save_config(config, tmp_path / "config.yaml")
    files = train_finalists(config, tmp_path, quiet=True)
    best, failed = json.loads(files[0].read_text())["finalists"]
    assert best["name"] == "child_1" and best["failure"] is None
    assert failed["failure"] == "the loss is nan at step 3"
    assert failed["parameters"] is None
    assert "child_2" in write_report(tmp_path).read_text()
    # Of an earlier ranking of more.
    config.budget.finalists = 1
    train_finalists(config, tmp_path, quiet=True)
    assert not (tmp_path / "finalists/2.json").exists()


def test_a_better_child_overtakes_earlier_finalists(tmp_path, jobs):
    _write_search(tmp_path)
    train_finalists(small_config("budget.finalists=2"), tmp_path, quiet=True)
    assert found_file(tmp_path) == tmp_path / "finalists/1.json"
    better = random_genotype(np.random.default_rng(7), blocks=1)
    with (tmp_path / "journal/worker_0.jsonl").open("a") as file:
        record = _record(3, 0.6, genotype=better.to_dict())
        file.write(record.to_json() + "\n")
    assert found_file(tmp_path) == tmp_path / "best.json"


@pytest.mark.slow
def test_a_finalist_learns_digits(tmp_path):
    config = small_config("budget.finalists=1,budget.finalist_epochs=4")
    _write_search(tmp_path)
    files = train_finalists(config, tmp_path, quiet=True)
    (entry,) = json.loads(files[0].read_text())["finalists"]
    assert entry["failure"] is None and entry["accuracy"] > 0.2


@pytest.mark.slow
def test_side_by_side_they_come_to_the_same(tmp_path, capfd):
    config = small_config("budget.finalists=2")
    other = random_genotype(np.random.default_rng(9), blocks=1, name="other")
    summaries = []
    for workers in (1, 3):
        folder = tmp_path / str(workers)
        _write_search(folder)
        files = train_finalists(
            config, folder, [other], match="parameters", workers=workers
        )
        text = files[0].read_text()
        summaries.append(re.sub(r'"seconds": [\d.]+', "", text))
    assert summaries[0] == summaries[1]
    out = capfd.readouterr().out
    assert "child_2, seed 0: begun" in out and "(2 of 2)" in out
    assert "other, seed 0: accuracy 0." in out.splitlines()[-1]
    logs = list((tmp_path / "3/finalists/jobs").rglob("*.log"))
    assert len(logs) == 3 and all("step" in log.read_text() for log in logs)
    # What is done is told, and not done again.
    train_finalists(config, folder, [other], match="parameters", workers=2)
    assert "begun" not in (out := capfd.readouterr().out)
    assert out.count("accuracy 0.") == 3


def test_a_folder_without_genotypes_is_refused(tmp_path):
    config = small_config("budget.finalists=1")
    with pytest.raises(InputError, match="no finished child with a genotype"):
        train_finalists(config, tmp_path)
    with pytest.raises(InputError, match="finalists: 0"):
        train_finalists(small_config(), tmp_path)
