import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from cs231n_utils import plots


@pytest.fixture(autouse=True)
def no_window():
    backend = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


def texts(fig):
    return [text.get_text() for ax in fig.axes for text in ax.texts]


def test_each_image_is_shown_with_its_caption_and_its_reference():
    images = np.zeros((3, 8, 8, 3), np.uint8)
    images[1] = 255
    fig = plots.show_captions(images, ["one", "two", ""], ["ref 1", "ref 2", "ref 3"], title="All")
    shown = [ax.images[0].get_array() for ax in fig.axes if ax.images]
    np.testing.assert_array_equal(np.stack(shown), images)
    assert texts(fig) == ["one", "ref 1", "two", "ref 2", "(no words)", "ref 3"]
    assert fig.get_suptitle() == "All"
    fig.canvas.draw()


def test_a_long_caption_is_broken_into_lines():
    caption = "a large red circle left of a small blue square in front of a cat"
    fig = plots.show_captions(np.zeros((1, 8, 8, 3), np.uint8), [caption])
    (shown,) = texts(fig)
    assert shown.replace("\n", " ") == caption
    assert "\n" in shown


@pytest.mark.parametrize(("captions", "references"), [(["a"], None), (["a", "b"], ["c"])])
def test_a_missing_caption_or_reference_is_named(captions, references):
    with pytest.raises(ValueError, match=r"one entry for each of the 2 images\. Got 1"):
        plots.show_captions(np.zeros((2, 8, 8, 3), np.uint8), captions, references)


def test_the_loss_curve_shows_every_loss_and_the_mean_of_the_last_few():
    ax = plots.plot_loss([4.0, 2.0, 0.0, 2.0], window=2, label="mine")
    raw, mean = ax.lines
    np.testing.assert_array_equal(raw.get_ydata(), [4, 2, 0, 2])
    np.testing.assert_allclose(mean.get_ydata(), [4, 3, 1, 1])
    np.testing.assert_array_equal(mean.get_xdata(), [1, 2, 3, 4])
    assert ax.get_ylim()[0] == 0


def test_gradient_norms_have_one_labelled_line_each():
    norms = {"small": np.array([1e-3, 1.0]), "large": np.array([10.0, 1.0])}
    ax = plots.plot_gradient_norms(norms)
    assert {line.get_label(): line.get_ydata().tolist() for line in ax.lines} == {
        "small": [1e-3, 1.0],
        "large": [10.0, 1.0],
    }
    assert ax.get_yscale() == "log"


def test_scores_are_bars_with_their_values():
    ax = plots.plot_scores({"mine": 0.5, "chance": 0.125}, xlabel="BLEU-4")
    assert [bar.get_width() for bar in ax.patches] == [0.5, 0.125]
    assert [text.get_text() for text in ax.texts] == ["0.500", "0.125"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["mine", "chance"]


def test_scores_of_zero_can_be_drawn():
    plots.plot_scores({"mine": 0.0}).figure.canvas.draw()


def test_word_vectors_are_drawn_where_they_differ_most():
    # Two directions matter: the first coordinate much, the third a little.
    vectors = np.array([[0, 5, 0], [10, 5, 1], [20, 5, 0], [30, 5, 1], [0, 5, 0]], float)
    ids = {"a": 0, "b": 1, "c": 2, "d": 3, "unused": 4}
    groups = {"first": ["a", "b"], "second": ["c", "d", "unheard"]}
    ax = plots.plot_word_vectors(vectors, ids, groups)
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c", "d"]
    places = np.concatenate([points.get_offsets() for points in ax.collections])
    across = places[:, 0] * np.sign(places[3, 0])
    np.testing.assert_allclose(np.diff(across), 10, atol=0.2)


def test_the_unrolled_network_reads_start_and_predicts_end():
    ax = plots.draw_unrolled_rnn(["a", "ring"])
    shown = [text.get_text() for text in ax.texts]
    for word in ("<START>", "<END>", "h0", "h3", "scores 3"):
        assert shown.count(word) == 1
    assert "h4" not in shown
    for word in ("a", "ring"):
        assert shown.count(word) == 2  # once read, once predicted
    for weight in ("Wx", "Wh", "W_vocab", "W_embed"):
        assert shown.count(weight) == 3
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.plot_loss([1.0, 0.5], ax),
        lambda ax: plots.plot_gradient_norms({"a": np.ones(2)}, ax),
        lambda ax: plots.plot_scores({"a": 1.0}, ax),
        lambda ax: plots.plot_word_vectors(np.eye(2), {"a": 0, "b": 1}, {"ab": ["a", "b"]}, ax),
        lambda ax: plots.draw_unrolled_rnn(["a"], ax),
    ],
)
def test_a_plot_goes_where_it_is_told(draw):
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert len(plt.get_fignums()) == 1


def test_captions_go_into_the_figure_that_is_given():
    fig = plt.figure()
    images = np.zeros((1, 8, 8, 3), np.uint8)
    assert plots.show_captions(images, ["a"], fig=fig) is fig
    assert len(plt.get_fignums()) == 1
