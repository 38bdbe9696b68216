import numpy as np
import pytest

from export.formats.litert.ranges import (
    LitertModel,
    measure_ranges,
    share_ranges,
)
from export.formats.litert.writer import write_litert
from export.graph import Graph, Node


def graph(**nodes):
    """A graph of nodes in order; the last is its output."""
    return Graph(nodes, list(nodes)[-1], "small")


def image_input(size=4, channels=2):
    return Node("input", options={"shape": (size, size, channels)})


def test_ranges_leave_out_extreme_images():
    kernel = np.array([[[[2.0, -1.0]]]], "float32")
    point = {"strides": (1, 1), "padding": "valid"}
    content = write_litert(
        graph(
            image=image_input(channels=1),
            conv=Node("conv", ("image",), point, {"kernel": kernel}),
            relu=Node("relu", ("conv",)),
        )
    )
    # Image n holds values up to n; 98 of 0 to 100 are at most 98.
    images = np.zeros((101, 4, 4, 1), "float32")
    images[:, 1, 2, 0] = np.random.default_rng(0).permutation(101)
    model = LitertModel(content)
    ranges = {
        model.feature_maps[index]: limits
        for index, limits in measure_ranges(content, images).items()
    }
    assert ranges == {
        "image": (0, 98),
        "conv": pytest.approx((-98, 196)),
        "relu": pytest.approx((0, 196)),
    }


def test_nested_concats_share_a_range():
    model = LitertModel(
        write_litert(
            graph(
                image=image_input(),
                relu=Node("relu", ("image",)),
                inner=Node("concat", ("relu", "image")),
                outer=Node("concat", ("inner", "relu")),
                sum=Node("add", ("outer", "outer")),
            )
        )
    )
    index = {name: index for index, name in model.feature_maps.items()}
    ranges = {
        index["image"]: (-3.0, 1.0),
        index["relu"]: (0.0, 1.0),
        index["inner"]: (-3.0, 1.0),
        index["outer"]: (-2.0, 5.0),
        index["sum"]: (-4.0, 9.0),
    }
    shared = share_ranges(model, ranges)
    for name in ("image", "relu", "inner", "outer"):
        assert shared[index[name]] == (-3.0, 5.0)
    assert shared[index["sum"]] == (-4.0, 9.0)
