import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from cs231n_utils import visualization_plots as plots


@pytest.fixture(autouse=True)
def no_window():
    backend = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


def pictures(k):
    return np.random.default_rng(0).integers(0, 256, (k, 8, 10, 3)).astype(np.uint8)


def test_images_stand_in_rows_with_their_titles():
    fig = plots.show_images(pictures(5), list("abcde"), columns=3)
    shown = [ax for ax in fig.axes if ax.images]
    assert [ax.get_title() for ax in shown] == list("abcde")
    np.testing.assert_array_equal(shown[4].images[0].get_array(), pictures(5)[4])


def test_each_kind_of_map_has_a_row_of_its_own():
    maps = {"numbers": np.ones((2, 4, 5)), "pictures": pictures(2)}
    fig = plots.show_maps(pictures(2), maps, ["x", "y"])
    assert [ax.get_ylabel() for ax in fig.axes[::2]] == ["", "numbers", "pictures"]
    assert fig.axes[2].images[0].get_extent() == [0, 10, 8, 0]  # over the whole picture
    fig.canvas.draw()


def test_a_map_without_a_picture_is_refused():
    with pytest.raises(ValueError, match=r"a map for each of the 2 images\. Got 3"):
        plots.show_maps(pictures(2), {"m": np.ones((3, 8, 10))})


def test_no_difference_is_grey_and_a_magnified_one_is_cut_off():
    before = np.full((4, 4, 3), 100, np.uint8)
    after = before.copy()
    after[0, 0] = 103
    after[1, 1] = 20
    fig = plots.show_fooling(before, after, ("a", "b"), magnify=10)
    small, large = (fig.axes[i].images[0].get_array() for i in (2, 3))
    assert small[0, 0, 0] == 131
    assert large[0, 0, 0] == 158
    assert large[1, 1, 0] == 0
    assert large[2, 2, 0] == 128


def test_shares_are_drawn_with_their_means_and_with_chance():
    shares = {"a": np.linspace(0, 1, 11), "b": np.full(4, 0.3)}
    ax = plots.plot_shares(shares, np.array([0.1, 0.3]))
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]
    said = [text.get_text() for text in ax.texts]
    assert said == ["50%", "30%", "by chance 20%"]
    ax.figure.canvas.draw()


def test_a_table_has_its_shape_checked_and_its_labels_shown():
    table = np.array([[1.0, np.nan], [2.0, 3.0]])
    ax = plots.plot_table(table, ["r", "s"], ["c", "d"], label="how much")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["c", "d"]
    assert ax.images[0].get_array().shape == (2, 2)
    with pytest.raises(ValueError, match=r"must have shape \(2, 1\). Got \(2, 2\)"):
        plots.plot_table(table, ["r", "s"], ["c"])


def test_points_have_a_colour_or_a_mark_for_each_class():
    labels = np.repeat(np.arange(12), 2)
    names = [f"class {n}" for n in range(12)]
    ax = plots.plot_points(np.zeros((24, 2)), labels, names)
    looks = {
        (tuple(points.get_facecolor()[0]), points.get_paths()[0].vertices.shape)
        for points in ax.collections
    }
    assert len(looks) == 12
    assert [text.get_text() for text in ax.get_legend().get_texts()] == names
