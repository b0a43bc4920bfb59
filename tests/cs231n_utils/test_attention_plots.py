import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from cs231n_utils import attention_plots as plots


@pytest.fixture(autouse=True)
def no_window():
    backend = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


class Attention(nn.Module):
    """Weights that are handed in pass through attn_drop."""

    def __init__(self):
        super().__init__()
        self.attn_drop = nn.Dropout(0.5)

    def forward(self, weights):
        return self.attn_drop(weights)


def test_weights_are_kept_under_the_layers_names_and_only_inside_the_block():
    model = nn.Sequential(Attention(), Attention()).eval()
    first = torch.rand(1, 2, 3, 3)
    with plots.record_attention(model) as weights:
        model(first)
    model(torch.rand(1, 2, 3, 3))
    assert weights.keys() == {"0", "1"}
    np.testing.assert_array_equal(weights["0"], first.numpy())


def test_the_weights_of_a_single_attention_have_no_name():
    model = Attention().eval()
    with plots.record_attention(model) as weights:
        model(torch.ones(1, 1, 2, 2))
    assert list(weights) == [""]


def test_the_table_of_positions_is_shown_as_it_is():
    pe = np.sin(np.arange(60).reshape(10, 6))
    fig = plots.plot_positions(pe)
    np.testing.assert_array_equal(fig.axes[0].images[0].get_array(), pe)
    np.testing.assert_array_equal(fig.axes[1].lines[1].get_ydata(), pe[:, 1])
    assert len(fig.axes[1].lines) == 2  # columns 8 and 20 are not there
    fig.canvas.draw()


def test_each_word_has_a_bar_of_each_kind():
    ax = plots.plot_changes({"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}, ["x", "y"])
    assert [bar.get_height() for bar in ax.patches] == [1, 2, 3, 4]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["x", "y"]


def test_tables_stand_side_by_side():
    grids = {"one": np.eye(2), "two": np.ones((2, 2))}
    fig = plots.plot_grids(grids, ["a", "b"], ["c", "d"], ylabel="rows")
    assert [ax.get_title() for ax in fig.axes] == ["one", "two"]
    np.testing.assert_array_equal(fig.axes[0].images[0].get_array(), np.eye(2))
    fig.canvas.draw()


def test_a_table_of_another_shape_is_named():
    with pytest.raises(ValueError, match=r"shape \(2, 1\)\. Got \(2, 2\)"):
        plots.plot_grids({"one": np.eye(2)}, ["a", "b"], ["c"])


def test_patches_are_moved_apart_and_keep_their_pixels():
    image = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    fig = plots.show_patches(image, 2)
    apart = fig.axes[1].images[0].get_array()
    assert apart.shape == (5, 5, 3)
    np.testing.assert_array_equal(apart[3:, :2], image[2:, :2])
    assert np.all(apart[2] == 255)
    assert fig.axes[1].get_title() == "its 4 patches"


def test_the_most_looked_at_patch_stays_bright():
    images = np.full((1, 4, 4, 3), 200, np.uint8)
    fig = plots.show_attention_on_images(images, np.array([[0.0, 1.0, 0.0, 0.5]]), ["red"])
    lit = np.asarray(fig.axes[1].images[0].get_array())
    assert np.all(lit[:2, 2:] == 200)
    assert np.all(lit[:2, :2] == 24)
    assert fig.axes[0].get_title() == "red"


def test_maps_that_make_no_square_are_refused():
    with pytest.raises(ValueError, match=r"Got \(1, 3\) for 1 images"):
        plots.show_attention_on_images(np.zeros((1, 4, 4, 3), np.uint8), np.ones((1, 3)))


def test_accuracies_are_shown_with_chance():
    ax = plots.plot_accuracies({"a": {"x": 0.9, "y": 0.5}, "b": {"x": 1.0, "y": 0.3}}, chance=0.1)
    assert [bar.get_height() for bar in ax.patches] == [0.9, 0.5, 1.0, 0.3]
    assert [text.get_text() for text in ax.texts] == ["90%", "50%", "100%", "30%"]
    assert ax.lines[0].get_ydata()[0] == 0.1
