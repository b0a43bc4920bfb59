"""Take a trained encoder out of a checkpoint: every number of it, or an error."""

import numpy as np
import torch
from torch.nn import functional as F

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect
from autograder.student import Function, named, tensor

TRIALS = "cs231n_utils.simclr_trials"
RTOL = 1e-4  # single precision

PREFIX = 'prefix = "encoder."'
LOOP = """for name, value in checkpoint.items():
        if name.startswith(prefix):
            state[name.removeprefix(prefix)] = value"""
STRIP = "state[name.removeprefix(prefix)] = value"
LOAD = "encoder.load_state_dict(state)"
WHATEVER_FITS = "encoder.load_state_dict(state, strict=False)"

exercise = Exercise(
    points=4,
    mistakes=[
        Mistake(
            "whatever fits",
            swap=(LOAD, WHATEVER_FITS),
            hint="Take a name out of the checkpoint. Does anybody notice?",
        ),
        Mistake(
            "another prefix, and whatever fits",
            swap=(PREFIX, 'prefix = "f."'),
            more=((LOAD, WHATEVER_FITS),),
            hint="Nothing is loaded. Which names are in your dictionary, which in the encoder's?",
        ),
        Mistake(
            "the prefix stays, and whatever fits",
            swap=(STRIP, "state[name] = value"),
            more=((LOAD, WHATEVER_FITS),),
            hint="Compare your names with those in encoder.state_dict(). How many are in both?",
            like="another prefix, and whatever fits",
        ),
        Mistake(
            "the prefix stays",
            swap=(STRIP, "state[name] = value"),
            hint="What are the names in encoder.state_dict(), and what are yours?",
        ),
        Mistake(
            "the whole checkpoint",
            swap=(LOOP, "state = checkpoint"),
            hint="What are the names in encoder.state_dict(), and what are yours?",
            like="the prefix stays",
        ),
        Mistake(
            "letters are taken off, not a word",
            swap=(STRIP, "state[name.lstrip(prefix)] = value"),
            hint='Try "encoder.conv.weight".lstrip("encoder."). lstrip knows letters, not words.',
            like="the prefix stays",
        ),
        Mistake(
            "gaps keep what they have",
            swap=(LOAD, "encoder.load_state_dict({**encoder.state_dict(), **state})"),
            hint="Take a name out of the checkpoint. Does anybody notice?",
        ),
        Mistake(
            "unknown names are passed over",
            swap=(
                LOAD,
                "known = encoder.state_dict()\n"
                "    encoder.load_state_dict({k: v for k, v in state.items() if k in known})",
            ),
            hint="Add a name that the encoder does not have. Does anybody notice?",
        ),
        Mistake(
            "parameters only",
            swap=(
                LOAD,
                "for name, parameter in encoder.named_parameters():\n"
                "        parameter.data.copy_(state[name])",
            ),
            hint="A batch normalisation also keeps means and variances. Where do those come from?",
        ),
        Mistake(
            "shared, not copied",
            swap=(LOAD, "encoder.load_state_dict(state, assign=True)"),
            hint="Train the encoder further. What happens to the checkpoint?",
        ),
        Mistake(
            "nothing is loaded",
            swap=(LOAD, "encoder.state_dict().update(state)"),
            hint="Compare a weight of the encoder before and after. Who writes into it?",
            like="another prefix, and whatever fits",
        ),
    ],
    equivalents=[
        Equivalent(
            "by the encoder's own names",
            swap=(
                LOOP,
                "state = {k: checkpoint[prefix + k] for k in encoder.state_dict()}\n"
                "    if len(state) < sum(k.startswith(prefix) for k in checkpoint):\n"
                '        raise KeyError("the checkpoint holds more than this encoder")',
            ),
        ),
        Equivalent(
            "letters counted off",
            swap=(STRIP, "state[name[len(prefix) :]] = value"),
        ),
        Equivalent(
            "what is missing is looked for by hand",
            swap=(
                LOAD,
                "result = encoder.load_state_dict(state, strict=False)\n"
                "    assert not result.missing_keys and not result.unexpected_keys, result",
            ),
        ),
        Equivalent(
            "copied one by one",
            swap=(
                LOAD,
                "own = encoder.state_dict()\n"
                "    if own.keys() != state.keys():\n"
                "        raise ValueError(own.keys() ^ state.keys())\n"
                "    for name in own:\n"
                "        own[name].copy_(state[name])",
            ),
        ),
        Equivalent("nothing is returned", swap=("return encoder", "return None")),
    ],
)


def draw_checkpoint(rng, channels):
    """Return the encoder's tensors by name, and a checkpoint that holds them and a head's."""
    encoder = {
        "conv.weight": rng.standard_normal((channels, 3, 3, 3)),
        "conv.bias": rng.standard_normal(channels),
        "norm.weight": rng.uniform(0.5, 2, channels),
        "norm.bias": rng.standard_normal(channels),
        "norm.running_mean": rng.standard_normal(channels),
        "norm.running_var": rng.uniform(0.5, 2, channels),
    }
    encoder = {name: value.astype(np.float32) for name, value in encoder.items()}
    encoder["norm.num_batches_tracked"] = np.array(17)
    checkpoint = {f"encoder.{name}": value for name, value in encoder.items()}
    checkpoint["head.weight"] = rng.standard_normal((2, channels)).astype(np.float32)
    checkpoint["head.bias"] = rng.standard_normal(2).astype(np.float32)
    return encoder, {name: tensor(value) for name, value in checkpoint.items()}


def reference(state, x):
    """What the encoder makes of pictures."""
    p = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
    conv = F.conv2d(torch.from_numpy(x), p["conv.weight"], p["conv.bias"])
    norm = [p[f"norm.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    return F.relu(F.batch_norm(conv, *norm)).numpy()


def load_rightly(student, rng, channels):
    """Let the student load a good checkpoint and expect it; return its tensors and pictures.

    A function that raises whatever it is given has refused nothing.
    """
    state, checkpoint = draw_checkpoint(rng, channels)
    encoder = student.public(f"{TRIALS}.small_encoder", channels)
    x = rng.standard_normal((2, 3, 5, 4)).astype(np.float32)
    student.load_encoder(encoder, checkpoint)
    encoder.eval()
    expect(
        "what the loaded encoder makes of pictures",
        encoder(tensor(x)),
        reference(state, x),
        rtol=RTOL,
    )
    return state, checkpoint, x


@exercise.case("every number is loaded, means and variances too", public=True, channels=4)
@exercise.case("a larger encoder", channels=7)
def examine(student, rng, channels):
    load_rightly(student, rng, channels)


@exercise.case("a missing name is an error", public=True, left_out="conv.bias")
@exercise.case("a missing buffer is an error", left_out="norm.running_var")
@exercise.case("names with another prefix are an error", public=True, prefix="module.encoder.")
@exercise.case("an unknown name is an error", public=True, extra="act.weight")
def examine_refusal(student, rng, left_out="", prefix="encoder.", extra="", channels=4):
    state, checkpoint, _ = load_rightly(student, rng, channels)
    spoilt = {k: v for k, v in checkpoint.items() if not k.startswith("encoder.")}
    spoilt |= {prefix + name: tensor(v) for name, v in state.items() if name != left_out}
    if extra:
        spoilt[f"encoder.{extra}"] = tensor(np.ones(3, np.float32))
    encoder = student.public(f"{TRIALS}.small_encoder", channels)
    refuses = Function(
        student, {"public": f"{TRIALS}.refuses", "name": "load_encoder"}, "load_encoder"
    )
    why = f"without encoder.{left_out}" if left_out else f"with names like {prefix}conv.weight"
    why = f"with encoder.{extra}, which the encoder has not," if extra else why
    refused = refuses(named("load_encoder"), encoder, spoilt)
    expect(f"a checkpoint {why} was loaded without an error", refused, True, comparator="holds")


@exercise.case("training the encoder leaves the checkpoint alone", public=True, channels=5)
def examine_copy(student, rng, channels):
    state, checkpoint = draw_checkpoint(rng, channels)
    kept = student.public("cs231n_utils.simclr_trials.keep", checkpoint)
    encoders = [student.public(f"{TRIALS}.small_encoder", channels) for _ in range(2)]
    x = rng.standard_normal((2, 3, 4, 5)).astype(np.float32)
    for encoder in encoders:
        student.load_encoder(encoder, kept)
        student.public(f"{TRIALS}.shift_parameters", encoder)
    shifted = {name: value + value.dtype.type(1) for name, value in state.items()}
    for encoder in encoders:
        encoder.eval()
        out = encoder(tensor(x))
        expect("what an encoder makes of pictures", out, reference(shifted, x), rtol=RTOL)
