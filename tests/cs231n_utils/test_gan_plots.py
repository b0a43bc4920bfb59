import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

from cs231n_utils import gan_plots as plots
from cs231n_utils.gan_training import GanRun


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plots.plt.close("all")


def run():
    shown = {step: np.full((16, 784), step / 10, np.float32) for step in (2, 4)}
    return GanRun("a GAN", None, None, 96, [1.0, 1.2, 0.9], [0.7, 0.8, 2.0], shown)


def test_images_stand_row_by_row_with_white_between():
    images = np.arange(3)[:, None] * np.full((3, 784), 0.25)
    picture = plots.tile(images, columns=2)
    assert picture.shape == (58, 58)
    assert picture[0, 0] == 0
    assert picture[0, 57] == 0.25
    assert picture[57, 0] == 0.5
    assert picture[57, 57] == 1  # nothing there
    assert (picture[28:30] == 1).all()


def test_digits_are_shown_in_columns_with_a_title():
    ax = plots.show_digits(np.zeros((6, 784)), columns=3, title="six")
    assert ax.images[0].get_array().shape == (58, 88)
    assert ax.get_title(loc="left") == "six"


def test_rows_have_names_and_short_ones_are_filled():
    ax = plots.show_rows({"real": np.zeros((4, 784)), "made up": np.zeros((2, 784))})
    assert [label.get_text() for label in ax.get_yticklabels()] == ["real", "made up"]
    picture = np.asarray(ax.images[0].get_array())
    assert (picture[30:, 60:] == 1).all()
    assert (picture[:28, :28] == 0).all()


def test_snapshots_name_their_steps():
    ax = plots.show_snapshots(run(), number=3)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["step 2", "step 4"]
    assert np.asarray(ax.images[0].get_array()).shape == (58, 88)


def test_both_losses_are_plotted():
    ax = plots.plot_game(run(), window=2)
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["discriminator", "generator"]
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [1.0, 1.1, 1.05])
    assert ax.get_title() == "a GAN"


def test_noise_is_a_histogram_beside_its_density():
    ax = plots.plot_noise(np.linspace(-1, 1, 2001))
    heights = [bar.get_height() for bar in ax.patches]
    assert max(heights) == pytest.approx(0.5, abs=0.02)


def test_distances_are_bars_with_a_floor():
    ax = plots.plot_distances({"one": 30.0, "two": 12.0}, floor=3.0)
    assert [bar.get_width() for bar in ax.patches] == [30, 12]
    assert ax.lines[0].get_xdata()[0] == 3


def test_paths_and_curves_are_drawn():
    path = np.array([[1.0, 1.0], [0.5, 1.2]])
    fig = plots.plot_paths({"a": path, "b": path}, value=lambda x, y: x * y)
    assert [ax.get_title() for ax in fig.axes] == ["a", "b"]
    fig.canvas.draw()
    ax = plots.plot_curves({"c": np.ones(3)}, np.arange(3), xlabel="x", ylabel="y")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), 1)


def test_the_diagram_names_both_networks():
    words = " ".join(text.get_text() for text in plots.draw_gan().texts)
    assert "generator" in words
    assert "discriminator" in words


def test_every_gan_has_its_row():
    class Fixed(GanRun):
        def images(self, number, seed=0):
            return np.zeros((number, 784))

    rows = plots.name_rows([Fixed("one", None, None, 96), Fixed("two", None, None, 96)], 5)
    assert {name: images.shape for name, images in rows.items()} == {
        "one": (5, 784),
        "two": (5, 784),
    }
