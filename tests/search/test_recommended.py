"""What a search recommends, and by which measure."""

import math

import pytest

import nasnet_tf
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.journal.beliefs import read_beliefs
from nasnet_tf.search.journal.records import read_rounds
from nasnet_tf.search.report.page import write_report
from tests.search.runs import SURROGATE, run_search, small_search


def test_what_is_recommended_is_what_the_strategy_expects_most_of(tmp_path):
    result, _ = run_search(small_search(SURROGATE), tmp_path)
    beliefs = read_beliefs(tmp_path)
    assert set(beliefs) == {record.child for record in result.records}
    most = max(beliefs, key=lambda child: beliefs[child].expected)
    assert result.best.child == most
    genotype = nasnet_tf.get_genotype(str(tmp_path / "best.json"))
    assert genotype.to_dict() == result.best.genotype
    line = read_rounds(tmp_path / "metrics.jsonl")[-1]
    assert line["best"] == max(record.reward for record in result.records)
    assert line["best_expected"] == pytest.approx(beliefs[most].expected)
    # Accuracies that are a hash of a name are nothing but noise.
    assert line["noise"] > 0
    again, trainer = run_search(small_search(SURROGATE), tmp_path)
    assert again.best == result.best and not trainer.trained
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert "What is expected" in page
    assert f"expected of child {most}, which is recommended" in page


def test_a_cell_that_cannot_be_started_with_leaves_no_search(tmp_path):
    config = small_search(SURROGATE, "strategy.start=['NASNET_A']")
    with pytest.raises(InputError, match=r"strategy.start: NASNET_A cannot"):
        run_search(config, tmp_path)
    # What is mended begins in the same folder.
    result, _ = run_search(small_search(SURROGATE), tmp_path)
    assert result.complete


def test_held_out_loss_can_be_the_measure(tmp_path):
    config = small_search("objective.measure=loss")
    result, _ = run_search(config, tmp_path)
    # A stand-in's loss is what it lacks of an accuracy of 1.
    for record in result.records:
        assert record.reward == pytest.approx(math.exp(record.accuracy - 1))
