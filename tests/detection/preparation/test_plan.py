"""What is chosen for data of one's own, in numbers."""

import dataclasses

import pytest

from detection.preparation.facts import DataFacts
from detection.preparation.network import FIXED_BYTES, OwnNetwork
from detection.preparation.plan import plan

SCENES = DataFacts(
    images=240,
    validation_images=60,
    categories=10,
    image_side=128,
    object_side=0.23,
    small_side=0.15,
    most_objects=6,
)
SMALL = OwnNetwork({}, "", bytes_per_pixel=1000, pretrained=False)


def choices(facts=SCENES, network=SMALL, memory=2**34, accelerator=False):
    chosen = plan(facts, network, 16, memory, accelerator)
    return {choice.name.split(".")[-1]: choice for choice in chosen}


def changed(**values):
    found = choices(dataclasses.replace(SCENES, **values))
    return {name: choice.value for name, choice in found.items()}


def test_scenes():
    found = {name: choice.value for name, choice in choices().items()}
    assert found["num_classes"] == 11
    assert found["input_size"] == [128, 128, 3]
    # The median side, 29.4 pixels, is that of the anchors of level 3.
    assert found["anchor_size"] == 3.7
    assert found["global_batch_size"] == 8
    # 30 epochs of 240 images are 900 steps, in 4 times 21 loops of 11.
    assert found["steps_per_loop"] == found["summary_interval"] == 11
    assert found["train_steps"] == found["decay_steps"] == 924
    assert found["checkpoint_interval"] == 231
    assert found["initial_learning_rate"] == 2e-3
    assert found["max_num_detections"] == 20


def test_sizes():
    assert changed(small_side=0.05, image_side=1000)["input_size"][0] == 320
    assert changed(small_side=0.05, image_side=200)["input_size"][0] == 256
    assert changed(small_side=0.9)["input_size"][0] == 128
    facts = dataclasses.replace(SCENES, small_side=0.03, image_side=1000)
    large = choices(facts, accelerator=True)
    assert large["input_size"].value[0] == 576
    facts = dataclasses.replace(facts, small_side=0.01)
    most = choices(facts, accelerator=True)["input_size"]
    assert most.value[0] == 640 and "want 1600" in most.reason


def test_few_images_and_little_memory():
    few = changed(images=2, validation_images=1)
    assert few["global_batch_size"] == 1  # of the validation
    assert few["train_steps"] == 616
    # Batches of 2: half of the rate's square root.
    assert few["initial_learning_rate"] == 1e-3
    memory = FIXED_BYTES + 5.5 * 1000 * 128**2
    for name in ("initial_learning_rate", "train_steps"):
        assert choices(memory=memory)[name].value == (
            pytest.approx(1.6e-3) if "rate" in name else 1440
        )
    tuned = dataclasses.replace(SMALL, pretrained=True)
    assert choices(network=tuned)["initial_learning_rate"].value == 1e-3
    assert changed(most_objects=40)["max_num_instances"] == 50


def test_every_step_is_a_whole_loop():
    for images in (2, 100, 1000, 12_345, 10**6):
        found = changed(images=images)
        interval = found["checkpoint_interval"]
        assert interval % found["steps_per_loop"] == 0
        assert 4 * interval == found["train_steps"]
        assert 600 <= found["train_steps"] <= 31_600
