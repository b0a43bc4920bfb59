"""The teacher's commands: python -m autograder demo | release | grade | prove | examine | ..."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from . import cli_elsewhere
from .answers import UnreadableAnswers, as_data, examine_files
from .course import (
    Assignment,
    CourseNotFound,
    UnknownAssignment,
    assignments,
    course_root,
    find_assignment,
)
from .exercise import Exercise, ExerciseError
from .sandbox import NoSandbox, Preloaded

app = typer.Typer(
    help="Release the course, grade a class, and prove that the tests are right.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()

Names = Annotated[
    list[str] | None, typer.Argument(help="Assignments, such as a1_rnn_captioning. Default: all.")
]
Sandbox = Annotated[
    str | None,
    typer.Option(
        help="What keeps students' code apart: auto, bwrap, podman, docker, user, or none. With "
        "none their code runs with all your rights: only for code that you wrote yourself.",
    ),
]


class Learning(StrEnum):
    """Where marks can be exported to."""

    CANVAS = "canvas"
    MOODLE = "moodle"
    GRADESCOPE = "gradescope"


def main() -> None:
    """Run the command line."""
    # nbgrader starts helper programs (alembic) by name: they lie beside this interpreter.
    beside = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if beside not in path.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([beside, path])
    app()


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Option(help="Where to make the sample class. Default: ./demo-class.")
    ] = None,
) -> None:
    """Release the course for a made-up class, grade the class, and show the gradebook."""
    from .demo import NotADemoFolder, run_demo

    with _told(NotADemoFolder):
        run_demo(folder)


@app.command()
def release(
    names: Names = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Write nothing: compare what is committed with what the solutions generate, and "
            "look for leaks.",
        ),
    ] = False,
    bundle: Annotated[
        bool,
        typer.Option(
            "--bundle",
            help="Write cs231n-students.zip: notebooks, cs231n_utils and what installs them, for "
            "students. The release is taken as it is.",
        ),
    ] = False,
) -> None:
    """Generate what students get: assignments/ and the recordings behind `check`."""
    from .bundle import NAME, LeakyBundle, write_bundle
    from .classroom import NotReleased
    from .release import check_release
    from .release import release as make

    if bundle:
        with _told(LeakyBundle):
            path = write_bundle(course_root(), Path(f"{NAME}.zip"))
            console.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", highlight=False)
        return
    with _told(NotReleased):
        for assignment in _chosen(names):
            if not check:
                make(assignment)
                console.print(f"released {assignment.slug}: {assignment.release_path.parent}")
                continue
            troubles = check_release(assignment)
            for trouble in troubles:
                console.print(f"[red]{trouble}[/red]")
            if troubles:
                raise typer.Exit(1)
            console.print(f"{assignment.slug}: the release is up to date, and nothing leaks")


@app.command()
def grade(
    names: Names = None,
    student: Annotated[
        list[str] | None,
        typer.Option(help="Grade only this student (a folder under submitted/); may be repeated."),
    ] = None,
    sandbox: Sandbox = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Worker processes. Default: one for each of the machine's cores."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Grade on a Dask cluster: its scheduler's address, such as tcp://h:8786."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Grade also what has not changed since it was graded.")
    ] = False,
    marks_only: Annotated[
        bool,
        typer.Option(
            "--marks-only",
            help="Leave feedback pages and report to a later run, which grades nothing again.",
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON object a line: each submission, and the totals at last."
        ),
    ] = False,
) -> None:
    """Grade what is new or changed under submitted/, and write gradebook, feedback and report."""
    from .classroom import NothingHandedIn, NotReleased, Options, UnknownStudent, grade_and_report
    from .cluster import ClusterUnusable
    from .extensions import BadExtensions
    from .nbgrader_plugin import HookNotInstalled

    options = Options(sandbox, jobs, scheduler, force, as_json=as_json, marks_only=marks_only)
    known = UnknownStudent, NothingHandedIn, NotReleased, BadExtensions
    with _told(*known, ClusterUnusable, HookNotInstalled), _interruptible():
        grade_and_report(names, student, options, console=console)


@app.command()
def prove(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Exercises, such as rnn_step_forward, or assignments. Default: all."),
    ] = None,
    mutate: Annotated[
        bool,
        typer.Option(
            "--mutate",
            help="Also change every solution cell by one operator, in every way, and list the "
            "changes that still score full marks.",
        ),
    ] = False,
    seeds: Annotated[
        int, typer.Option(min=1, help="Prove it with so many different hidden inputs.")
    ] = 1,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Draw hidden inputs from this seed. Default: another each time."),
    ] = None,
    sandbox: Sandbox = None,
) -> None:
    """Prove the tests: right answers score 100 %, known mistakes less, and are known by name."""
    from .prove import prove as proofs

    first = secrets.randbits(60) if seed is None else seed
    with _told(), Preloaded(backend=sandbox or "auto") as server:
        options = {"backend": sandbox or "auto", "starter": server.start}
        missed = 0
        for assignment, exercises in _chosen_exercises(names):
            for number in range(first, first + seeds):
                found = list(proofs(assignment, exercises, seed=number, **options))
                missed += sum(not proof.held for proof in found)
                _print_proofs(assignment, found, only_missed=seeds > 1)
            if mutate:
                missed += _print_mutants(assignment, exercises, first, options)
        if missed:
            console.print(f"[red]{missed} claims did not hold[/red], with the seed {first}")
            raise typer.Exit(1)


@app.command()
def examine(
    assignment: Annotated[str, typer.Argument(help="The assignment that the files answer.")],
    code: Annotated[
        list[Path],
        typer.Option(help="A Python file of answers; repeat it for several, in their order."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    sandbox: Sandbox = None,
) -> None:
    """Grade plain Python files of answers through the same sandbox and judge."""
    with _told(UnreadableAnswers):
        found = find_assignment(assignment)
        graded = examine_files(found, code, seed=secrets.randbits(60), backend=sandbox or "auto")
        data = as_data(found, graded)
        if as_json:
            print(json.dumps(data, indent=2))
            return
        from .rendering import verdict_text

        for verdict in graded.verdicts.values():
            console.print(verdict_text(verdict), markup=False, highlight=False)
        for note in graded.notes:
            console.print(f"note: {note}", markup=False, highlight=False)
        console.print(
            f"{data['points']:g} of {data['max_points']:g} points, {graded.seconds:.1f} s, "
            f"sandbox: {graded.sandbox}"
        )


@app.command()
def sandbox(
    build_image: Annotated[
        bool,
        typer.Option(
            "--build-image", help="Make the image for podman or docker: once for each version."
        ),
    ] = False,
    install_kernel: Annotated[
        bool,
        typer.Option(
            "--install-kernel",
            help="Install the kernel sandboxed-python, which isolates the notebooks of any other "
            "nbgrader course. It hides neither tests nor scores.",
        ),
    ] = False,
) -> None:
    """Say which sandboxes work on this machine, and why the others do not."""
    if install_kernel:
        from .kernel import HONESTY
        from .kernel import install_kernel as install

        console.print(f"installed {install()}", highlight=False)
        console.print(HONESTY)
        return
    from .sandbox.image import NotBuilt
    from .sandbox.overview import build_somewhere, overview

    with _told(NotBuilt):
        if build_image:
            console.print(f"made {build_somewhere()}", highlight=False)
        for name, says in overview():
            console.print(f"{name:14}", style="bold", end="")
            console.print(says, markup=False, highlight=False)


@app.command()
def report(
    names: Names = None,
    anonymous: Annotated[
        bool,
        typer.Option(
            "--anonymous",
            help="Write anonymous.html instead: students are numbered, in an order drawn anew.",
        ),
    ] = False,
) -> None:
    """Write the class report again, from the gradebook: nothing is graded."""
    from .classroom import from_here
    from .report.commands import NothingGraded, report_on

    with _told(NothingGraded):
        for page in report_on(names, anonymous=anonymous):
            console.print(f"class report  {from_here(page)}", soft_wrap=True, highlight=False)


@app.command()
def export(
    system: Annotated[Learning, typer.Argument(help="Whose file: canvas, moodle or gradescope.")],
    names: Names = None,
    to: Annotated[Path | None, typer.Option(help="The file. Default: canvas.csv, ...")] = None,
    unfinished: Annotated[
        bool,
        typer.Option("--unfinished", help="Also where answers are still to be marked by hand."),
    ] = False,
) -> None:
    """Write the gradebook as a file for Canvas, Moodle or Gradescope."""
    from .report.commands import NothingGraded, export_to

    with _told(NothingGraded):
        path, marks = export_to(system.value, names, to, unfinished=unfinished)
    count = sum(bool(student.marks) for student in marks.students)
    told = f"{path}: {count} students, {', '.join(marks.points)}"
    console.print(told, highlight=False, markup=False, soft_wrap=True)
    if marks.unfinished:
        kind = "with the points so far" if unfinished else "left out"
        told = f"{len(marks.unfinished)} not marked by hand to the end ({kind}): "
        console.print(told + ", ".join(marks.unfinished), markup=False, soft_wrap=True)


@app.command()
def draft(
    exercise: Annotated[str, typer.Argument(help="The exercise, such as rnn_step_backward.")],
    group: Annotated[
        str, typer.Argument(help="The group's name in the class report, or one of its students.")
    ],
    sandbox: Sandbox = None,
) -> None:
    """Draft a `Mistake` from wrong answers that behave alike and that no known mistake explains."""
    from .drafting import NothingToDraft
    from .report.commands import UnknownGroup, draft_mistake

    with _told(UnknownGroup, NothingToDraft):
        found, made = draft_mistake(exercise, group, backend=sandbox or "auto")
    print(made)
    console.print()
    if made.confirmed:
        count = len(found.students)
        told = f"It answers as {count} {'student' if count == 1 else 'students'} did."
    else:
        told = "It does NOT answer as the students did: their answer stands on others of theirs."
    told += " Read it before you put it into the exercise: there it runs without a sandbox."
    console.print(told, highlight=False, soft_wrap=True)


app.command("grade-one")(cli_elsewhere.grade_one)
app.command()(cli_elsewhere.gradescope)
app.command()(cli_elsewhere.links)


# ---------------------------------------------------------------------- helpers
def _chosen(names: list[str] | None) -> list[Assignment]:
    return [find_assignment(name) for name in names] if names else list(assignments().values())


def _chosen_exercises(names: list[str] | None) -> list[tuple[Assignment, list[str] | None]]:
    """Return assignments with the exercises meant in each; an unknown name lists the known ones."""
    everything = assignments()
    if not names:
        return [(assignment, None) for assignment in everything.values()]
    owners = {name: a for a in everything.values() for name in a.exercises}
    unknown = [name for name in names if name not in owners and name not in everything]
    if unknown:
        raise UnknownAssignment(
            f"there is no exercise or assignment {unknown[0]}. There are: "
            f"{', '.join([*everything, *owners])}"
        )
    chosen: dict[str, list[str] | None] = {n: None for n in names if n in everything}
    for name in names:
        if name in owners and chosen.get(owners[name].slug, []) is not None:
            chosen.setdefault(owners[name].slug, []).append(name)
    return [(everything[slug], exercises) for slug, exercises in chosen.items()]


def _print_proofs(assignment: Assignment, found: list, *, only_missed: bool) -> None:
    table = Table(title=f"{assignment.slug}: {sum(p.held for p in found)} of {len(found)} hold")
    for column in ("exercise", "claim", "", "detail"):
        table.add_column(column)
    last = ""
    for proof in sorted(found, key=lambda p: list(assignment.exercises).index(p.exercise)):
        if only_missed and proof.held:
            continue
        shown = "" if proof.exercise == last else proof.exercise
        last = proof.exercise
        mark = "[green]holds[/green]" if proof.held else "[red]MISSED[/red]"
        table.add_row(shown, proof.claim, mark, proof.detail)
    console.print(table)


def _print_mutants(
    assignment: Assignment, names: list[str] | None, seed: int, options: dict[str, Any]
) -> int:
    from .mutants import Survivor, survivors

    unexplained = 0
    table = Table(title=f"{assignment.slug}: automatic mutants with full marks")
    for column in ("exercise", "change", "why it makes no difference"):
        table.add_column(column, overflow="fold")
    counts = []
    for exercise in _exercises(assignment, names):
        found = list(
            track(
                survivors(assignment, exercise, seed=seed, **options),
                description=f"mutants of {exercise.name}",
                console=console,
                transient=True,
            )
        )
        alive = [mutant for mutant in found if isinstance(mutant, Survivor)]
        unexplained += sum(not survivor.why for survivor in alive)
        counts.append(f"{exercise.name}: {len(found) - len(alive)} of {len(found)} killed")
        for survivor in alive:
            why = survivor.why or "[red]not explained[/red]"
            table.add_row(exercise.name, survivor.mutant.change, why)
    console.print(table)
    console.print("\n".join(counts))
    return unexplained


def _exercises(assignment: Assignment, names: list[str] | None) -> Iterator[Exercise]:
    return (e for e in assignment.exercises.values() if names is None or e.name in names)


@contextmanager
def _told(*more: type[Exception]) -> Iterator[None]:
    """Tell what a teacher can do something about as a sentence; exit with status 2."""
    try:
        yield
    except (NoSandbox, UnknownAssignment, CourseNotFound, ExerciseError, *more) as error:
        _stop(str(error))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does, and say that the next run goes on from here."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        message = "Interrupted. What was graded is kept; the same command goes on from there."
        Console(stderr=True).print(message, style="red", markup=False, highlight=False)
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(message: str) -> NoReturn:
    Console(stderr=True).print(message, style="red", markup=False, highlight=False)
    raise typer.Exit(2)
