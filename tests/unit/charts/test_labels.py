"""Labels never lie over each other and never leave the plot."""

from __future__ import annotations

from itertools import combinations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from steelyard.charts.labels import Anchor, Box, Segment, place

PLOT = Box(-4, -8, 540, 260)
SMALL = Box(-4, -8, 300, 320)
ANCHORS = st.lists(
    st.builds(
        Anchor,
        st.floats(0, 290),
        st.floats(0, 250),
        st.floats(20, 125),
        st.sampled_from([15.0, 30.0]),
    ),
    max_size=12,
)


@example([Anchor(150, 0, 21, 15), Anchor(186, 0, 21, 15), Anchor(203, 4, 90.5, 30), Anchor(203, 4, 20, 30)], SMALL)
@given(ANCHORS, st.sampled_from([PLOT, SMALL]))
@settings(max_examples=60, deadline=None)
def test_labels_are_within_the_plot_and_apart(anchors: list[Anchor], plot: Box) -> None:
    boxes = place(anchors, plot)
    assert len(boxes) == len(anchors)
    for anchor, box in zip(anchors, boxes, strict=True):
        assert plot.holds(box)
        assert abs(box.right - box.left - anchor.width) < 1e-6
    for first, second in combinations(boxes, 2):
        assert first.overlap(second) < 1e-6


@given(ANCHORS)
@settings(max_examples=20, deadline=None)
def test_the_same_points_have_the_same_labels(anchors: list[Anchor]) -> None:
    assert place(anchors, PLOT) == place(anchors, PLOT)


def test_a_lone_label_stands_right_of_its_point() -> None:
    assert place([Anchor(100, 100, 50, 15)], PLOT) == [Box(109, 92.5, 159, 107.5)]


def test_a_label_at_the_right_edge_stands_left_of_its_point() -> None:
    (box,) = place([Anchor(530, 100, 80, 15)], PLOT)
    assert box.right < 530


def test_a_label_keeps_off_a_line_and_off_other_points() -> None:
    line = Segment(100, 100, 300, 100)
    (box,) = place([Anchor(100, 100, 50, 15)], PLOT, [line])
    assert box.length_inside(line) == 0
    near, far = place([Anchor(100, 100, 50, 15), Anchor(130, 100, 50, 15)], PLOT)
    assert near.overlap(Box(124, 94, 136, 106)) == 0
    assert far.overlap(near) == 0


def test_twelve_points_at_one_place_are_all_named() -> None:
    boxes = place([Anchor(290, 150, 70, 15)] * 12, SMALL)
    assert len(set(boxes)) == 12


@given(st.floats(-50, 350), st.floats(-50, 350), st.floats(-50, 350), st.floats(-50, 350))
@settings(max_examples=200, deadline=None)
def test_a_line_is_in_a_box_for_at_most_its_own_length(x: float, y: float, x2: float, y2: float) -> None:
    box = Box(0, 0, 300, 200)
    inside = box.length_inside(Segment(x, y, x2, y2))
    assert -1e-6 <= inside <= ((x2 - x) ** 2 + (y2 - y) ** 2) ** 0.5 + 1e-6
    if box.holds(Box(min(x, x2), min(y, y2), max(x, x2), max(y, y2))):
        assert abs(inside - ((x2 - x) ** 2 + (y2 - y) ** 2) ** 0.5) < 1e-6
