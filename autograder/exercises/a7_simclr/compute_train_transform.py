"""Random views of a picture: another crop, mirrored or not, in other colours or in none.

What is random is judged by how often it happens. By the binomial distribution, a right answer is
outside of one of the bounds less than once in a million times; means and extremes are surer still.
"""

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect
from autograder.student import Function
from cs231n_utils.augmentation_trials import trial_picture

TRIALS = "cs231n_utils.augmentation_trials"

CROP = "transforms.RandomResizedCrop(32),"
FLIP = "transforms.RandomHorizontalFlip(p=0.5),"
JITTER = "transforms.RandomApply([color_jitter], p=0.8),"
GREY = "transforms.RandomGrayscale(p=0.2),"
TENSOR = "transforms.ToTensor(),"
NORMALIZE = "transforms.Normalize(MEAN, STD),"

exercise = Exercise(
    points=5,
    returns={"compute_train_transform": "train_transform"},
    mistakes=[
        Mistake(
            "grey is missing",
            swap=(GREY, ""),
            hint="How many of a hundred views have no colour, and how many should have none?",
        ),
        Mistake(
            "grey too rarely",
            swap=(GREY, "transforms.RandomGrayscale(),"),
            hint="Which probability does RandomGrayscale take when it is told none?",
        ),
        Mistake(
            "always grey",
            swap=(GREY, "transforms.Grayscale(num_output_channels=3),"),
            hint="How many of a hundred views have no colour, and how many should have none?",
        ),
        Mistake(
            "grey pictures have one channel",
            swap=(GREY, "transforms.RandomApply([transforms.Grayscale()], p=0.2),"),
            hint="How many channels has a picture after Grayscale()? What does Normalize expect?",
        ),
        Mistake(
            "colours always change",
            swap=(JITTER, "color_jitter,"),
            hint="One view in five keeps its colours. Does one of yours?",
        ),
        Mistake(
            "colours never change",
            swap=(JITTER, ""),
            hint="Four views in five have other colours. How many of yours?",
        ),
        Mistake(
            "colours change with another probability",
            swap=(JITTER, "transforms.RandomApply([color_jitter]),"),
            hint="Which probability does RandomApply take when it is told none?",
        ),
        Mistake(
            "the crop is missing",
            swap=(CROP, ""),
            hint="Look at some views side by side. Do all of them show the whole picture?",
        ),
        Mistake(
            "a resize for the random crop",
            swap=(CROP, "transforms.Resize(32),"),
            hint="Look at some views side by side. Do all of them show the whole picture?",
            like="the crop is missing",
        ),
        Mistake(
            "the crop keeps its size",
            swap=(CROP, "transforms.RandomCrop(32, padding=4),"),
            hint="A view may show a tenth of the picture, enlarged. How much does yours show?",
        ),
        Mistake(
            "the crop has ImageNet's size",
            swap=(CROP, "transforms.RandomResizedCrop(224),"),
            hint="How many pixels has a view, and how many does the text ask for?",
        ),
        Mistake(
            "never mirrored",
            swap=(FLIP, ""),
            hint="Look at some views side by side. Is any of them mirrored?",
        ),
        Mistake(
            "always mirrored",
            swap=(FLIP, FLIP.replace("0.5", "1.0")),
            hint="Look at some views side by side. Is any of them not mirrored?",
        ),
        Mistake(
            "upside down",
            swap=(FLIP, "transforms.RandomVerticalFlip(p=0.5),"),
            hint="Which way is the picture turned? Where is the sky in your views?",
        ),
        Mistake(
            "colours change after the normalisation",
            swap=(JITTER + "\n", ""),
            more=((GREY + "\n", ""), (NORMALIZE, f"{NORMALIZE} {JITTER} {GREY}")),
            hint="Jitter and grey are about colours between 0 and 1. What are the numbers there?",
        ),
        Mistake(
            "not normalised",
            swap=(NORMALIZE, ""),
            hint="What is the mean of a view's channels over many pictures? It should be near 0.",
        ),
    ],
    equivalents=[
        Equivalent(
            "colours before the crop",
            swap=(CROP, ""),
            more=((GREY, f"{GREY} {CROP}"),),
        ),
        Equivalent(
            "a part of the pictures through Grayscale",
            swap=(
                GREY,
                "transforms.RandomApply([transforms.Grayscale(num_output_channels=3)], p=0.2),",
            ),
        ),
        Equivalent(
            "a mirror by hand",
            swap=(
                FLIP,
                "transforms.Lambda(lambda image: transforms.functional.hflip(image) "
                "if random.random() < 0.5 else image),",
            ),
        ),
        Equivalent(
            "everything on tensors, before the normalisation",
            swap=(CROP, TENSOR + " " + CROP),
            more=((f"{TENSOR}\n", "\n"),),
        ),
        Equivalent(
            "a module list",
            swap=(JITTER, JITTER.replace("[color_jitter]", "nn.ModuleList([color_jitter])")),
        ),
    ],
)


def trials(student, rng, times):
    """Return the trials of the student's transform, and the transform."""
    transform = student.compute_train_transform(int(rng.integers(1 << 30)))
    tried = Function(
        student, {"public": f"{TRIALS}.try_transform", "name": "the transform"}, "the transform"
    )
    seed = int(rng.integers(1 << 30))  # to repeat a result only: any way to draw is right
    return tried(transform, trial_picture(), times, seed), transform


def stated(student, transform, name, kind, want):
    """Expect the probability that the transform states, if it is made of parts that state one."""
    rate = student.public(f"{TRIALS}.stated_rate", transform, kind)
    expect(f"the probability of {name}", rate, want, comparator="stated")


def measure(name, profiles, measure, want, low, high):
    """Expect a measure of the trials between two bounds."""
    expect(name, profiles, want, comparator="measured", measure=measure, low=low, high=high)


@exercise.case("every view is another crop, made as large as the picture", public=True, times=40)
def examine_crop(student, rng, times):
    profiles, _ = trials(student, rng, times)
    # 5.07 of 7 waves, give or take 1.5 from view to view: the mean over 40 views has 0.24.
    measure("waves across a view", profiles, "waves_across", 5.07, 3.8, 6.4)
    measure("waves down a view", profiles, "waves_down", 5.07, 3.8, 6.4)
    measure("the spread of waves between views", profiles, "spread_of_waves", 1.5, 0.5, 2.5)
    measure("the share of views upside down", profiles, "upside_down", 0, 0, 0.1)


@exercise.case("half of the views are mirrored", public=True, times=60)
def examine_mirror(student, rng, times):
    profiles, transform = trials(student, rng, times)
    measure("the share of mirrored views", profiles, "mirrored", 0.5, 10 / 60, 50 / 60)
    measure("the share of views upside down", profiles, "upside_down", 0, 0, 0.1)
    stated(student, transform, "mirroring", "mirrored", 0.5)


@exercise.case("four views in five have other colours", public=True, times=100)
def examine_jitter(student, rng, times):
    profiles, transform = trials(student, rng, times)
    # About 80 views are coloured, and 16 of them untouched; never below 2, nor above 40.
    measure("the share of coloured views left untouched", profiles, "untouched", 0.2, 0.02, 0.5)
    measure("the largest turn of the hue", profiles, "largest_turn_of_hue", 0.1, 0.06, 0.13)
    measure("the brightness of the darkest view", profiles, "darkest", 0.6, 0.3, 0.9)
    measure("the brightness of the brightest view", profiles, "brightest", 1.5, 1.1, 2.1)
    stated(student, transform, "changing colours", "jitter", 0.8)


@exercise.case("one view in five is grey", public=True, times=80)
def examine_grey(student, rng, times):
    profiles, transform = trials(student, rng, times)
    measure("the share of grey views", profiles, "grey", 0.2, 1 / 80, 40 / 80)
    stated(student, transform, "grey", "grey", 0.2)
