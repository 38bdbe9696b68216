"""Each change of an image, against its definition."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_tf.data import augmentation, keras_augmentation

COUNT = 512


@pytest.fixture(scope="module")
def draws():
    return augmentation.draw(7, tf.constant(0, "int64"), COUNT, COUNT)


def images(count=COUNT, size=8, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def test_draws_belong_to_a_position(draws):
    part = augmentation.draw(7, tf.constant(3 * COUNT + 64, "int64"), COUNT, 32)
    whole = augmentation.draw(7, tf.constant(3 * COUNT, "int64"), COUNT, COUNT)
    np.testing.assert_array_equal(part, whole[64:96])
    assert np.abs(whole - draws).min(axis=0).max() < 0.1
    assert (whole != draws).numpy().mean() > 0.99
    # Means of 512 draws: 0.5, give or take 0.013.
    np.testing.assert_allclose(whole.numpy().mean(axis=0), 0.5, atol=0.06)


def test_crops_are_windows_of_the_padded_image(draws):
    raw = images()
    padded = augmentation.pad(tf.constant(raw), 2, 255).numpy()
    assert padded.shape == (COUNT, 12, 12, 3) and (padded[:, :2] == 255).all()
    crops = augmentation.crop_and_flip(
        tf.constant(padded), draws, (8, 8), flip=True
    ).numpy()
    found = np.zeros((2, 5, 5), int)
    for crop, image in zip(crops, padded, strict=True):
        matches = [
            (mirrored, top, left)
            for mirrored in (0, 1)
            for top in range(5)
            for left in range(5)
            if (
                crop[:, :: 1 - 2 * mirrored]
                == image[top : top + 8, left : left + 8]
            ).all()
        ]
        assert len(matches) == 1
        found[matches[0]] += 1
    # All 50 cases occur; half are mirrored: 256, give or take 11.
    assert (found > 0).all()
    assert abs(found[1].sum() - 256) < 45
    plain = augmentation.crop_and_flip(
        tf.constant(padded), draws, (8, 8), flip=False
    ).numpy()
    assert (plain == crops).all(axis=(1, 2, 3)).sum() == found[0].sum()


def test_flip_mirrors_half(draws):
    raw = images()
    flipped = augmentation.flip(tf.constant(raw), draws).numpy()
    same = (flipped == raw).all(axis=(1, 2, 3))
    assert abs(same.sum() - 256) < 45
    np.testing.assert_array_equal(flipped[~same], raw[~same][:, :, ::-1])


@pytest.mark.parametrize("side", [4, 5])
def test_cutout_is_a_square_that_may_reach_over_the_edge(draws, side):
    ones = tf.ones((COUNT, 8, 8, 3))
    cut = augmentation.cutout(ones, draws, side).numpy() == 0
    assert (cut.all(axis=3) == cut.any(axis=3)).all()
    heights = cut[..., 0].any(axis=2).sum(axis=1)
    widths = cut[..., 0].any(axis=1).sum(axis=1)
    assert (cut[..., 0].sum(axis=(1, 2)) == heights * widths).all()
    assert heights.max() == widths.max() == side
    # The middle is in the image, so that the square is cut in half at most.
    assert heights.min() == widths.min() == (side + 1) // 2
    for row in range(8):
        assert cut[:, row].any()


def test_colors_change_as_tf_image_has_it(draws):
    raw = tf.cast(images(16), "float32")
    changed = augmentation.distort_color(raw, draws[:16]).numpy()
    amounts = draws.numpy()
    for number in range(16):
        brightness, saturation, hue, contrast = amounts[number, 5:9]
        image = raw[number] / 255 + (brightness * 2 - 1) * 32 / 255
        image = tf.clip_by_value(image, 0, 1)
        image = tf.image.adjust_saturation(image, 0.5 + saturation)
        image = tf.image.adjust_hue(image, (hue * 2 - 1) * 0.2)
        image = tf.image.adjust_contrast(image, 0.5 + contrast)
        expected = tf.clip_by_value(image, 0, 1) * 255
        np.testing.assert_allclose(changed[number], expected, atol=0.01)


def test_inception_crops_keep_their_limits():
    shape = tf.constant((300, 400, 3))

    @tf.function
    def window(position):
        return tf.stack(augmentation.random_window(shape, 1, position))

    windows = np.array(
        [window(tf.constant(n, "int64")) for n in range(500)], float
    )
    top, left, height, width = windows.T
    assert top.min() >= 0 and (top + height).max() <= 300
    assert left.min() >= 0 and (left + width).max() <= 400
    area = height * width / (300 * 400)
    # A pixel is rounded away.
    assert 0.078 < area.min() < 0.12 and 0.85 < area.max() <= 1.0
    aspect = width / height
    assert 0.74 < aspect.min() < 0.8 and 1.25 < aspect.max() < 1.35
    # TensorFlow draws the height uniformly among those that fit.
    ratio = np.linspace(3 / 4, 4 / 3, 100)[:, None]
    low, high = (np.sqrt(part * 300 * 400 / ratio) for part in (0.08, 1.0))
    high = np.minimum(high, np.minimum(300, 400 / ratio))
    tall = low + (high - low) * np.linspace(0, 1, 100)
    expected = (tall**2 * ratio).mean() / (300 * 400)
    assert abs(area.mean() - expected) < 0.03
    np.testing.assert_array_equal(window(tf.constant(3, "int64")), windows[3])


def test_rand_augment_is_drawn_for_each_example():
    apply = tf.function(keras_augmentation.rand_augment(0.5))
    one = tf.constant(np.repeat(images(1, 32), 24, axis=0), "float32")
    positions = tf.range(24, dtype="int64")
    changed = apply(one, 3, positions).numpy()
    assert changed.shape == one.shape
    assert changed.min() >= 0 and changed.max() <= 255
    different = {image.tobytes() for image in changed}
    assert len(different) > 12
    assert np.abs(changed - one).mean() > 5
    # Later, alone, in another order: the same.
    np.testing.assert_array_equal(
        apply(one[:4], 3, tf.reverse(positions[5:9], [0])), changed[8:4:-1]
    )
    other = apply(one, 4, positions).numpy()
    assert (other != changed).any(axis=(1, 2, 3)).mean() > 0.5


def test_rand_augment_reaches_all_operations_of_keras():
    layer = keras.layers.RandAugment()
    chosen = set()
    operations = [getattr(layer, name) for name in layer._AUGMENT_LAYERS]
    for position in range(80):
        seeds = keras_augmentation._Seeds(
            keras_augmentation.order.seed_pair(
                0, keras_augmentation.order.RAND_AUGMENT, position
            )
        )
        chosen.add(int(keras.random.randint((), 0, 11, seed=seeds)))
    assert chosen == set(range(len(operations))) == set(range(11))


def test_mix_up_mixes_images_and_labels_alike():
    apply = keras_augmentation.mix_up(0.4)
    raw = tf.cast(images(16), "float32")
    labels = tf.one_hot(tf.range(16), 16)
    mixed, weights = apply(raw, labels, 3, tf.constant(32, "int64"))
    np.testing.assert_allclose(weights.numpy().sum(axis=1), 1, atol=1e-6)
    assert ((weights.numpy() > 0).sum(axis=1) <= 2).all()
    assert (weights.numpy().max(axis=1) < 0.99).sum() >= 4
    np.testing.assert_allclose(
        mixed, tf.einsum("ij,jhwc->ihwc", weights, raw), atol=1e-3
    )
    again, _ = apply(raw, labels, 3, tf.constant(32, "int64"))
    np.testing.assert_array_equal(again, mixed)
    other, _ = apply(raw, labels, 3, tf.constant(48, "int64"))
    assert (other != mixed).numpy().any()
