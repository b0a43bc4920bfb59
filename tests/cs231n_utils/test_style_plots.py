import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from cs231n_utils import style_plots as plots


@pytest.fixture(autouse=True)
def no_window():
    backend = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


def picture(value):
    return np.full((8, 8, 3), value, dtype=np.uint8)


def titles(fig):
    return [ax.get_title() for ax in fig.axes]


def test_every_picture_stands_under_its_title():
    fig = plots.show_pictures(
        {"one": picture(1), "two": picture(2), "three": picture(3)}, columns=2
    )
    assert titles(fig) == ["one", "two", "three", ""]
    np.testing.assert_array_equal(fig.axes[1].images[0].get_array(), picture(2))
    fig.canvas.draw()


def test_a_table_has_pictures_at_its_sides_or_titles_only():
    table = [[picture(1), picture(2)]]
    fig = plots.show_table(table, left={"row": picture(3)}, top={"a": picture(4), "b": picture(5)})
    shown = [int(ax.images[0].get_array()[0, 0, 0]) for ax in fig.axes if ax.images]
    assert shown == [4, 5, 3, 1, 2]
    fig = plots.show_table(table, left=["row"], top=["a", "b"])
    assert titles(fig) == ["a", "b"]
    assert fig.axes[0].get_ylabel() == "row"
    fig.canvas.draw()


def test_a_table_that_is_not_complete_is_named():
    with pytest.raises(ValueError, match=r"1 rows of 2 pictures\. Got \[1\]"):
        plots.show_table([[picture(1)]], left=["row"], top=["a", "b"])


def test_the_channels_that_vary_most_are_shown():
    maps = torch.zeros(1, 4, 3, 3)
    maps[0, 1, 0, 0], maps[0, 3, 0, 0] = 5, 9
    fig = plots.show_channels({"layer": maps}, channels=2)
    assert titles(fig) == ["channel 1", "channel 3"]
    fig.canvas.draw()


def test_gram_matrices_share_one_scale():
    fig = plots.show_grams({"small": torch.eye(3), "large": 10 * torch.eye(3)})
    limits = {ax.images[0].get_clim() for ax in fig.axes[:2]}
    assert len(limits) == 1
    fig.canvas.draw()


def test_the_nearest_other_picture_is_framed():
    distances = np.array([[0.0, 5, 1], [2, 0, 4], [1, 3, 0]])
    pictures = {name: picture(9) for name in "abc"}
    fig = plots.show_distances(distances, pictures)
    frames = [patch.get_xy() for patch in fig.axes[0].patches]
    assert [(round(x + 0.46), round(y + 0.46)) for x, y in frames] == [(2, 0), (0, 1), (0, 2)]
    fig.canvas.draw()


def test_distances_of_another_number_of_pictures_are_named():
    with pytest.raises(ValueError, match=r"shape \(1, 1\)\. Got \(2, 2\)"):
        plots.show_distances(np.eye(2), {"a": picture(1)})


def test_parts_of_a_loss_are_curves_and_zero_is_a_gap():
    ax = plots.plot_parts({"content": [0.0, 2.0], "style": [8.0, 4.0]}, steps=[0, 10])
    assert np.isnan(ax.lines[0].get_ydata()[0])
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), [[0, 8], [10, 4]])
    assert ax.get_yscale() == "log"
