"""Telling positions apart: sines and cosines of many wavelengths, added to a sequence."""

import torch

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect
from autograder.student import tensor

from ._modules import RTOL, draw, encoding

SIN = "pe[0, :, 0::2] = torch.sin(position * frequency)"
COS = "pe[0, :, 1::2] = torch.cos(position * frequency)"
OUT = "out = self.dropout(x + self.pe[:, :S])"
FREQUENCY = "frequency = 10000 ** (-torch.arange(0, embed_dim, 2) / embed_dim)"

LINE = FREQUENCY + "  # (embed_dim / 2,)"
TOO_SMALL = "far below the precision that a position needs: 1e-4 of a wavelength"
ONE_ROW = "pe has one row on its first axis: the first is the last"

exercise = Exercise(
    points=4,
    harmless={
        f"{LINE} -> {LINE.replace('10000', '10001')}": TOO_SMALL,
        f"{LINE} -> {LINE.replace('10000', '9999')}": TOO_SMALL,
        f"{SIN} -> {SIN.replace('[0,', '[ -1,')}": ONE_ROW,
        f"{COS} -> {COS.replace('[0,', '[ -1,')}": ONE_ROW,
    },
    mistakes=[
        Mistake(
            "the cosines have wavelengths of their own",
            swap=(
                COS,
                "odd = 10000 ** (-torch.arange(1, embed_dim, 2) / embed_dim)\n"
                "        pe[0, :, 1::2] = torch.cos(position * odd)",
            ),
            hint="Column 3 belongs together with column 2: compare their exponents.",
        ),
        Mistake(
            "only the first cosine has its partner's wavelength",
            swap=(
                COS,
                "odd = 10000 ** (-torch.arange(1, embed_dim, 2) / embed_dim)\n"
                "        odd[0] = 1\n"
                "        pe[0, :, 1::2] = torch.cos(position * odd)",
            ),
            hint="Columns 0 and 1 are right. Which exponent has column 3, and which has column 2?",
        ),
        Mistake(
            "all sines come before all cosines",
            swap=(SIN, "pe[0, :, : embed_dim // 2] = torch.sin(position * frequency)"),
            more=((COS, "pe[0, :, embed_dim // 2 :] = torch.cos(position * frequency)"),),
            hint="In which columns do the sines stand in the text, and in which in yours?",
        ),
        Mistake(
            "sine and cosine are exchanged",
            swap=(SIN, SIN.replace("sin", "cos")),
            more=((COS, COS.replace("cos", "sin")),),
            hint="Position 0 is encoded as 0, 1, 0, 1, ... What is yours?",
        ),
        Mistake(
            "as many positions as images",
            swap=("self.pe[:, :S]", "self.pe[:, :N]"),
            hint="Which of N and S counts the places of a sequence? A batch of one hides this.",
        ),
        Mistake(
            "no dropout",
            swap=(OUT, "out = x + self.pe[:, :S]"),
            hint="It is right when evaluated. In training, how many entries are zero?",
        ),
        Mistake(
            "dropout before the sum",
            swap=(OUT, "out = self.dropout(x) + self.pe[:, :S]"),
            hint="It is right when evaluated. In training, which entries become zero?",
        ),
        Mistake(
            "the table is no buffer",
            swap=('self.register_buffer("pe", pe)', "self.pe = pe"),
            hint="Is pe in state_dict()? Would it move to a GPU with the model?",
        ),
        Mistake(
            "positions are counted from one",
            swap=("torch.arange(max_len)[:, None]", "torch.arange(1, max_len + 1)[:, None]"),
            hint="Position 0 is encoded as 0, 1, 0, 1, ... What is yours?",
        ),
        Mistake(
            "the table takes the place of the words",
            swap=(OUT, "out = self.dropout(self.pe[:, :S].expand(N, S, D))"),
            hint="Change x. Does the result change?",
        ),
    ],
    equivalents=[
        Equivalent(
            "frequencies by exponential and logarithm",
            swap=(
                FREQUENCY,
                "frequency = torch.exp(-torch.arange(0, embed_dim, 2) "
                "* math.log(10000.0) / embed_dim)",
            ),
        ),
        Equivalent(
            "the table is moved and cut in two steps",
            swap=("self.pe[:, :S]", "self.pe[0, :S].unsqueeze(0)"),
        ),
    ],
)


@exercise.case("a batch of sequences, evaluated", public=True, N=3, S=7, E=10)
@exercise.case("a single sequence", N=1, S=12, E=6)
@exercise.case("as many sequences as places", N=4, S=4, E=8)
def examine(student, rng, N, S, E):
    module = student.PositionalEncoding(E, dropout=0.3, max_len=S + 5)
    module.eval()
    x = draw(rng, N, S, E)
    expect("out", module(tensor(x)), x + encoding(S, E).numpy(), rtol=RTOL)


@exercise.case("the table is a buffer, saved with the model", public=True, L=20, E=6)
def examine_buffer(student, rng, L, E):
    module = student.PositionalEncoding(E, max_len=L)
    expect("the buffer pe", student.buffer(module, "pe"), encoding(L, E)[None].numpy(), rtol=RTOL)


@exercise.case("dropout of the sum, in training", public=True, p=0.3)
@exercise.case("another rate of dropout", p=0.6)
def examine_dropout(student, rng, p, N=12, S=10, E=32):
    # The seed is for repeating a result only: any way to draw the same dropout is right.
    student.public("torch.manual_seed", int(rng.integers(1 << 30)))
    module = student.PositionalEncoding(E, dropout=p, max_len=S)
    x = 3 + torch.from_numpy(draw(rng, N, S, E)).abs().numpy()  # never the opposite of a sine
    want = x + encoding(S, E).numpy()
    expect("out", module(tensor(x)), want, comparator="dropped_out", p=p)
