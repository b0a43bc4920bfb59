import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from cs231n_utils.lstm_plots import draw_lstm_cell


@pytest.fixture(autouse=True)
def no_window():
    backend = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


def texts(ax):
    return {text.get_text() for text in ax.texts}


def test_the_cell_shows_what_goes_in_and_what_comes_out():
    ax = draw_lstm_cell()
    assert {"x", "prev_h", "prev_c", "next_h", "next_c", "tanh"} <= texts(ax)
    assert not any("stage" in text for text in texts(ax))
    ax.figure.canvas.draw()


def test_every_gate_has_the_function_that_makes_it():
    shown = {line for text in texts(draw_lstm_cell()) for line in text.splitlines()}
    assert {"i = sigmoid(ai)", "f = sigmoid(af)", "o = sigmoid(ao)", "g = tanh(ag)"} <= shown


def test_the_three_stages_of_the_backward_pass_are_shaded_when_asked_for():
    ax = draw_lstm_cell(stages=True)
    stages = sorted(text.split(":")[0] for text in texts(ax) if text.startswith("stage"))
    assert stages == ["stage 1", "stage 2", "stage 3"]


def test_the_cell_is_drawn_where_it_is_told():
    _, ax = plt.subplots()
    assert draw_lstm_cell(ax) is ax
