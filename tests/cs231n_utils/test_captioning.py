import numpy as np
import pytest

from cs231n_utils.captioning import CaptioningModel, decode_captions, method_of

WORDS = {"<NULL>": 0, "<START>": 1, "<END>": 2, "a": 3, "red": 4, "ball": 5}
IDX_TO_WORD = list(WORDS)


@pytest.mark.parametrize(("cell_type", "k"), [("rnn", 1), ("lstm", 4)])
def test_the_parameters_have_the_handouts_names_and_shapes(cell_type, k):
    model = CaptioningModel(WORDS, input_dim=7, wordvec_dim=5, hidden_dim=3, cell_type=cell_type)
    assert {name: array.shape for name, array in model.params.items()} == {
        "W_embed": (6, 5),
        "W_proj": (7, 3),
        "b_proj": (3,),
        "Wx": (5, 3 * k),
        "Wh": (3, 3 * k),
        "b": (3 * k,),
        "W_vocab": (3, 6),
        "b_vocab": (6,),
    }


def test_the_parameters_have_the_stated_spread():
    words = {"<NULL>": 0} | {str(i): i for i in range(1, 300)}
    model = CaptioningModel(
        words, input_dim=400, wordvec_dim=100, hidden_dim=200, rng=np.random.default_rng(0)
    )
    want = {
        "W_embed": 1 / 100,
        "W_proj": 1 / 20,
        "Wx": 1 / 10,
        "Wh": 1 / np.sqrt(200),
        "W_vocab": 1 / np.sqrt(200),
    }
    for name, spread in want.items():
        assert model.params[name].std() == pytest.approx(spread, rel=0.02)
    for name in ("b_proj", "b", "b_vocab"):
        assert not model.params[name].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_parameters_have_the_dtype_asked_for(dtype):
    model = CaptioningModel(WORDS, dtype=dtype)
    assert {array.dtype for array in model.params.values()} == {np.dtype(dtype)}


def test_one_rng_state_gives_one_model():
    first, second = (CaptioningModel(WORDS, rng=np.random.default_rng(7)) for _ in range(2))
    other = CaptioningModel(WORDS, rng=np.random.default_rng(8))
    np.testing.assert_array_equal(first.params["Wh"], second.params["Wh"])
    assert np.any(first.params["Wh"] != other.params["Wh"])


def test_special_words_have_their_ids_and_may_be_missing_where_they_are_not_needed():
    model = CaptioningModel(WORDS)
    assert (model._null, model._start, model._end) == (0, 1, 2)
    model = CaptioningModel({"<NULL>": 0, "cat": 2, "dog": 3})
    assert (model._null, model._start, model._end) == (0, None, None)


def test_an_unknown_cell_is_refused():
    with pytest.raises(ValueError, match=r"Got 'gru'"):
        CaptioningModel(WORDS, cell_type="gru")


def test_a_vocabulary_without_padding_is_refused():
    with pytest.raises(ValueError, match="<NULL>"):
        CaptioningModel({"a": 0})


def test_method_of_adds_a_method_and_replaces_it_and_leaves_other_classes_alone():
    class Mine(CaptioningModel):
        pass

    class Other(CaptioningModel):
        pass

    model = Mine(WORDS, hidden_dim=3)

    @method_of(Mine)
    def loss(self, features, captions):
        return len(self.params), features

    assert model.loss("features", None) == (8, "features")
    assert loss is Mine.loss

    @method_of(Mine)
    def loss(self, features, captions):
        return "again"

    assert model.loss(None, None) == "again"
    with pytest.raises(NotImplementedError):
        Other(WORDS).loss(None, None)


@pytest.mark.parametrize("method", ["loss", "sample"])
def test_a_method_that_is_not_written_yet_says_which_cell_to_run(method):
    class CaptioningRNN(CaptioningModel):
        pass

    model = CaptioningRNN(WORDS)
    args = (None, None) if method == "loss" else (None,)
    with pytest.raises(NotImplementedError, match=rf"CaptioningRNN.{method} is not there yet"):
        getattr(model, method)(*args)


def test_a_caption_is_decoded_up_to_its_end():
    assert decode_captions(np.array([1, 3, 4, 5, 2, 0, 0]), IDX_TO_WORD) == "a red ball"
    assert decode_captions(np.array([3, 5, 2, 4, 4]), IDX_TO_WORD) == "a ball"
    assert decode_captions(np.array([3, 5, 4]), IDX_TO_WORD) == "a ball red"


def test_several_captions_are_decoded_to_a_list_also_with_a_dictionary():
    rows = np.array([[3, 5, 2], [2, 0, 0]])
    words = dict(enumerate(IDX_TO_WORD))
    assert decode_captions(rows, words) == ["a ball", ""]


def test_captions_of_three_dimensions_are_refused():
    with pytest.raises(ValueError, match=r"\(T,\) or \(N, T\). Got \(1, 2, 3\)"):
        decode_captions(np.zeros((1, 2, 3), int), IDX_TO_WORD)
