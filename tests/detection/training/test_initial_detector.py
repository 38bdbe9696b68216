"""A training that starts from another detector, of other classes too."""

import numpy as np
import pytest
import tensorflow as tf

from detection.training.initial_detector import start_from
from nasnet_tf.checks.errors import InputError
from tests.conftest import line_of
from tests.detection.models import fpn, paper


def saved(model, folder):
    checkpoint = tf.train.Checkpoint(
        model=model,
        global_step=tf.Variable(3, dtype=tf.int64),
        **model.checkpoint_items,
    )
    tf.train.CheckpointManager(checkpoint, str(folder), 1).save(3)
    return str(folder)


def changed(model):
    for number, variable in enumerate(model.trainable_variables):
        variable.assign(variable + 0.01 * (number + 1))
    return model


@pytest.mark.parametrize("form", [paper, fpn])
def test_all_but_the_classes(form, tmp_path, capsys):
    _, model = form()
    path = saved(changed(model), tmp_path)
    task, other = form(",task.model.num_classes=6")
    before = [np.array(v) for v in other.variables]
    task.task_config.init_checkpoint = path
    task.initialize(other)
    told = capsys.readouterr().out
    assert f"started from {path}; fresh: " in told
    same = fresh = 0
    for ours, theirs, old in zip(
        other.variables, model.variables, before, strict=True
    ):
        if ours.shape == theirs.shape:
            assert np.array_equal(ours, theirs)
            same += 1
        else:
            assert np.array_equal(ours, old)
            assert ours.name in told
            fresh += 1
    assert (fresh, same > 100) == (4, True)


def test_of_the_same_classes_nothing_is_fresh(tmp_path):
    _, model = paper()
    path = saved(model, tmp_path)
    assert start_from(changed(model), path) == []


def test_another_network(tmp_path):
    _, model = paper()
    path = saved(model, tmp_path)
    _, other = paper(",task.model.rpn_head.num_filters=16")
    before = [np.array(v) for v in other.variables]
    with pytest.raises(InputError, match="is another network's") as error:
        start_from(other, path)
    assert "rpn" in line_of(error)
    for now, then in zip(other.variables, before, strict=True):
        assert np.array_equal(now, then)
    (data,) = tmp_path.glob("*.data-*")
    data.write_bytes(data.read_bytes()[:9000])
    _, same = paper()
    before = [np.array(v) for v in same.variables]
    with pytest.raises(InputError, match="cannot be read"):
        start_from(same, path)
    for now, then in zip(same.variables, before, strict=True):
        assert np.array_equal(now, then)
    (tmp_path / "empty").mkdir()
    for place, match in (
        (tmp_path / "empty", "holds no checkpoint"),
        (tmp_path / "nowhere", "cannot be read"),
    ):
        with pytest.raises(InputError, match=match):
            start_from(other, str(place))
