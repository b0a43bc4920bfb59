import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from cs231n_utils import simclr_plots as plots
from cs231n_utils.augment import normalise


@pytest.fixture(autouse=True)
def no_window():
    backend = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)


def view_of(image):
    return normalise(torch.tensor(image / 255).permute(2, 0, 1).float()[None])[0]


def pictures_in(fig):
    return [ax.images[0].get_array() for ax in fig.axes if ax.images]


def test_a_view_is_shown_as_the_picture_that_it_was(images):
    np.testing.assert_allclose(plots.as_image(view_of(images[0])), images[0] / 255, atol=1e-6)
    too_bright = torch.full((3, 2, 2), 100.0)
    np.testing.assert_array_equal(plots.as_image(too_bright), np.ones((2, 2, 3)))


def test_pictures_stand_in_rows_under_the_titles_of_their_columns(images):
    fig = plots.show_pictures(images[:5], ["cat", "car", "cup"], columns=3)
    assert [ax.get_title() for ax in fig.axes] == ["cat", "car", "cup", "", "", ""]
    np.testing.assert_array_equal(pictures_in(fig)[4], images[4])


def test_views_stand_beside_their_picture(images):
    views = [[view_of(images[2]), view_of(images[3])], [view_of(images[4]), view_of(images[5])]]
    fig = plots.show_views(images[:2], views)
    shown = pictures_in(fig)
    assert len(shown) == 6
    np.testing.assert_array_equal(shown[3], images[1])
    np.testing.assert_allclose(shown[5], images[5] / 255, atol=1e-6)


def test_the_drawing_holds_a_picture_and_two_views(images):
    ax = plots.draw_simclr(images[0], [view_of(images[1]), view_of(images[2])])
    assert len(ax.images) == 3
    assert [text.get_text() for text in ax.texts].count("encoder") == 2
    ax.figure.canvas.draw()


def test_partners_are_framed_in_every_row(images):
    matrix = np.eye(6)
    fig = plots.plot_similarities({"before": matrix, "after": -matrix})
    frames = [patch.get_xy() for patch in fig.axes[0].patches]
    assert frames == [(j - 0.5, i - 0.5) for i, j in enumerate([3, 4, 5, 0, 1, 2])]
    np.testing.assert_array_equal(fig.axes[1].images[0].get_array(), -matrix)
    fig.canvas.draw()


def test_shares_are_sorted():
    ax = plots.plot_shares({"tau = 1": np.array([0.2, 0.5, 0.3])})
    assert list(ax.lines[0].get_ydata()) == [0.5, 0.3, 0.2]


def test_the_nearest_are_those_of_the_most_similar_direction():
    features = np.array([[1.0, 0], [50, 1], [0, 1], [-1, 0], [1, 1]])
    assert plots.nearest(features, [0, 2], 2).tolist() == [[1, 4], [4, 1]]


def test_frames_say_whether_a_neighbour_is_of_the_same_kind(images):
    labels = np.array([0, 0, 1, 1] * 3)
    found = {"before": np.array([[1, 2]]), "after": np.array([[4, 5]])}
    fig = plots.show_neighbours(images, labels, [0], found)
    frames = [ax.patches[0].get_edgecolor() for ax in fig.axes if ax.patches]
    same, other = mpl.colors.to_rgba(plots.GREEN), mpl.colors.to_rgba(plots.RED)
    assert frames == [same, other, same, same]
    assert [ax.get_title(loc="left") for ax in fig.axes if ax.get_title(loc="left")] == [
        "before",
        "after",
    ]


def test_each_class_has_its_points_on_every_map():
    points = np.arange(12.0).reshape(6, 2)
    labels = np.array([0, 1, 0, 1, 1, 1])
    fig = plots.plot_maps({"a": points, "b": points + 1}, labels, ["cat", "car"])
    np.testing.assert_array_equal(fig.axes[1].collections[0].get_offsets(), points[[0, 2]] + 1)
    assert [text.get_text() for text in fig.axes[1].get_legend().get_texts()] == ["cat", "car"]
    fig.canvas.draw()
