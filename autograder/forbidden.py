"""Find out whether an answer uses a name that its exercise forbids: torch where a backward pass is
to be written by hand, torch's own attention where attention is to be built.

Only what the exercise's own functions use counts, and the helpers that they call; not an import
that stands there, a demonstration beside it, or another exercise's function. A name is followed
through `import ... as`, assignments at top level, and texts in `getattr`, `__import__` and `eval`.
Whoever hides it better is stopped by the second net, while the code runs (`cs231n_utils.driving`),
or not at all: the marks then say what they always say, that the numbers are right.
"""

from __future__ import annotations

import ast
import builtins
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from .exercise import Exercise

if TYPE_CHECKING:
    from .course import Assignment

RUNS_TEXT = {"eval", "exec", "compile", "run_cell", "run_line_magic"}
LONGEST_SOURCE = 20_000
"""Characters of a cell that is looked at; a cell beyond was not written by hand."""


@dataclass
class _Names:
    """What the top level of a notebook's cells binds: the last one counts, as when it runs."""

    functions: dict[str, list[ast.AST]] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    values: dict[str, ast.AST] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)

    def add(self, statement: ast.stmt) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._bind(statement.name, function=statement)
                if isinstance(statement, ast.ClassDef):
                    for inner in statement.body:
                        # A method is found by its name too: notebooks add methods one by one.
                        if isinstance(inner, ast.FunctionDef):
                            self.functions.setdefault(inner.name, [inner])
            case ast.Import() | ast.ImportFrom():
                for name, dotted in imported(statement):
                    if name == "*":
                        self.stars.append(dotted)
                    else:
                        self._bind(name, dotted=dotted)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    for node in ast.walk(target):
                        if isinstance(node, ast.Name):
                            self._bind(node.id, value=value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._bind(name, value=value)
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While():
                for inner in ast.iter_child_nodes(statement):
                    if isinstance(inner, ast.stmt):
                        self.add(inner)
                # What an `except` binds stands in only where the import failed: not looked at.

    def _bind(
        self,
        name: str,
        *,
        function: ast.AST | None = None,
        dotted: str = "",
        value: ast.AST | None = None,
    ) -> None:
        for table in (self.functions, self.imports, self.values):
            table.pop(name, None)
        if function is not None:
            self.functions[name] = [function]
        elif dotted:
            self.imports[name] = dotted
        elif value is not None:
            self.values[name] = value


def forbidden_name(
    exercise: Exercise, sources: Iterable[str], assignment: Assignment
) -> str | None:
    """Return the first name in a notebook's cells that breaks an exercise's rule, or None."""
    if not exercise.forbids:
        return None
    own = assignment.functions
    others = set().union(*(names for name, names in own.items() if name != exercise.name))
    return find_forbidden(exercise.forbids, sources, own[exercise.name], others)


def find_forbidden(
    forbids: Sequence[str],
    sources: Iterable[str],
    roots: Iterable[str],
    others: Iterable[str] = (),
) -> str | None:
    """Return the first forbidden name that the functions `roots` use, or None.

    `sources` are the notebook's cells in order. `others` are functions of other exercises: what
    they use is their affair. `forbids` are dotted names; they hold what is below them, and * stands
    for any letters.
    """
    sources = list(sources)
    if not _may_use(forbids, sources):
        return None
    names = _Names()
    for source in sources:
        for statement in _parsed(source):
            names.add(statement)
    others = set(others) - set(roots)
    todo, seen = list(roots), set()
    while todo:
        name = todo.pop()
        if name in seen or name in others:
            continue
        seen.add(name)
        for node in names.functions.get(name, []) or filter(None, [names.values.get(name)]):
            used = _Used(names)
            used.visit(node)
            for dotted in used.dotted:
                if hit := _matches(dotted, forbids):
                    return hit
            for text in used.texts:
                if hit := _in_text(text, forbids, whole=True):
                    return hit
            for text in used.code:
                if hit := _in_text(text, forbids, whole=False):
                    return hit
            todo.extend(sorted(used.free))
    return None


def _may_use(forbids: Sequence[str], sources: Sequence[str]) -> bool:
    """Return False where a look at the texts alone shows that nothing can be found: the usual case,
    and much quicker than to follow names.
    """
    parts = [re.split(r"[*?\[\]]", pattern.split(".")[-1]) for pattern in forbids]
    literals = [max(part, key=len) for part in parts]
    suspects = set()  # names under which something forbidden was imported
    for source in sources:
        if not (_says_otherwise(source) or any(literal in source for literal in literals)):
            continue
        words, bound = _words(source)
        if any(literal in word for word in words for literal in literals):
            return True
        for name, dotted in bound:
            if any(literal in dotted for literal in literals):
                suspects.add(name)
    if "*" in suspects:
        return True
    return any(
        name in _words(source)[0] for source in sources for name in suspects if name in source
    )


def _says_otherwise(source: str) -> bool:
    """Whether a program may spell a word in another way than letter by letter."""
    return not source.isascii() or re.search(r"\\[xuUN0-7]", source) is not None


@functools.lru_cache(maxsize=64)
def _words(source: str) -> tuple[frozenset[str], tuple[tuple[str, str], ...]]:
    """Return the words of a cell that a name may be made of, but for imports, and what those bind:
    pairs of a name and what it stands for.
    """
    words: set[str] = set()
    bound: list[tuple[str, str]] = []
    for node in (node for statement in _parsed(source) for node in ast.walk(statement)):
        match node:
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.Constant(value=str(text)):
                words.update(re.findall(r"\w+", text))
            case ast.Import() | ast.ImportFrom():
                bound.extend(imported(node))
    return frozenset(words), tuple(bound)


class _Used(ast.NodeVisitor):
    """The dotted names, free names and texts of one function, without its annotations."""

    def __init__(self, names: _Names) -> None:
        self.names = names
        self.imports = dict(names.imports)
        self.bound: set[str] = set()  # arguments and variables: `F` is then a number of filters
        self.dotted: list[str] = []
        self.free: set[str] = set()
        self.texts: list[str] = []
        self.code: list[str] = []

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (
            *node.decorator_list,
            *node.args.defaults,
            *filter(None, node.args.kw_defaults),
        ):
            self.visit(part)
        arguments = node.args
        listed = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        bound = {each.arg for each in (*listed, arguments.vararg, arguments.kwarg) if each}
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                bound.add(inner.id)
        around = self.imports, self.bound
        self.imports = {k: v for k, v in self.imports.items() if k not in bound}
        self.bound = self.bound | bound
        for part in node.body:
            self.visit(part)
        self.imports, self.bound = around

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, dotted in imported(node):
            self.imports[name] = dotted

    visit_ImportFrom = visit_Import

    def visit_Assign(self, node: ast.Assign) -> None:
        before = len(self.dotted)
        self.visit(node.value)
        if isinstance(node.value, ast.Name | ast.Attribute) and len(self.dotted) == before + 1:
            for target in node.targets:  # an alias: lib = torch.nn
                if isinstance(target, ast.Name):
                    self.imports[target.id] = self.dotted[-1]
        for target in node.targets:
            self.visit(target)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring says what it likes
            self.visit(node.value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        parts, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._name(inner.id, parts[::-1])
        else:
            self.visit(inner)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._name(node.id, [])

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        if called == "isinstance" and len(node.args) == 2:
            self.visit(node.args[0])  # asking what something is uses nothing of it
            return
        if called in RUNS_TEXT:
            self.code += [a.value for a in node.args if _is_text(a)]
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.texts.append(node.value)

    def _name(self, name: str, parts: list[str]) -> None:
        if name in self.imports:
            self.dotted.append(".".join([self.imports[name], *parts]))
        if name in self.imports or name in self.bound:
            return
        self.free.add(name)
        value = self.names.values.get(name)
        if value is not None:  # an alias made at top level: F = torch.nn.functional
            inner = _Used(_Names(imports=self.imports))
            inner.visit(value)
            self.dotted += [".".join([dotted, *parts]) for dotted in inner.dotted]
        elif name not in self.names.functions and not hasattr(builtins, name):
            self.dotted += [".".join([star, name, *parts]) for star in self.names.stars]


def imported(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Yield (name, what it stands for) for each name that an import binds."""
    for alias in statement.names:
        if isinstance(statement, ast.ImportFrom):
            module = "." * statement.level + (statement.module or "")
            yield (
                alias.asname or alias.name,
                module if alias.name == "*" else (f"{module}.{alias.name}"),
            )
        elif alias.asname:
            yield alias.asname, alias.name
        else:
            first = alias.name.split(".")[0]
            yield first, first


def _matches(dotted: str, forbids: Sequence[str]) -> str | None:
    parts = dotted.split(".")
    for pattern in forbids:
        wanted = pattern.split(".")
        beginning = ".".join(parts[: len(wanted)])
        if fnmatchcase(beginning, pattern):
            return beginning
        # The same thing by another road: torch.nn.modules.activation.MultiheadAttention.
        if len(wanted) > 1 and wanted[0] == parts[0] != "cs231n_utils":
            for place, part in enumerate(parts[1:], 2):
                if fnmatchcase(part, wanted[-1]):
                    return ".".join(parts[:place])
    return None


def _in_text(text: str, forbids: Sequence[str], *, whole: bool) -> str | None:
    """Return the forbidden name that a text is, or (when it is run as code) that it holds."""
    for pattern in forbids:
        last = pattern.split(".")[-1]
        for word in [text.split(".")[-1]] if whole else re.findall(r"\w+", text):
            if fnmatchcase(word, last) and (not whole or _is_name(text, pattern)):
                return text if whole else word
    return None


def _is_name(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern) or fnmatchcase(text, pattern.split(".")[-1])


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@functools.lru_cache(maxsize=64)
def _parsed(source: str) -> list[ast.stmt]:
    """Return a cell's statements, not to be changed; none where it does not parse (it does not run
    either). Given cells come with every submission, and all cells with every exercise.
    """
    lines = ["" if re.match(r"\s*[%!]", line) else line for line in source.splitlines()]
    try:
        return ast.parse("\n".join(lines)[:LONGEST_SOURCE]).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def own_functions(source: str) -> set[str]:
    """Return the names of the functions and classes that a solution cell defines."""
    return {
        statement.name
        for statement in _parsed(source)
        if isinstance(statement, ast.FunctionDef | ast.ClassDef)
    }
