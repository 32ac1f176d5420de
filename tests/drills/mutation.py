"""Mutants of one file: each a small wrong change, run against its tests; whatever no test notices is listed.

`python -m tests.drills.mutation MODULE TEST...` prints JSON. The tests are collected once; then a child is forked for
each mutant, which takes over the code of its functions and its constants, and runs the tests until one fails.
"""

from __future__ import annotations

import ast
import copy
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
AT_MOST_SECONDS = 15
"""A mutant that runs longer loops; it is noticed as one."""

COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
COMPUTED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
CALLED = {"max": "min", "min": "max", "any": "all", "all": "any"}


def changes_of(node: ast.AST) -> Iterator[ast.AST]:
    """Every small wrong thing that could stand in the place of a node."""
    match node:
        case ast.Compare():
            for at, one in enumerate(node.ops):
                if type(one) in COMPARED:
                    changed = copy.deepcopy(node)
                    changed.ops[at] = COMPARED[type(one)]()
                    yield changed
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp(op=one, left=ast.expr()) if type(one) in COMPUTED and not _is_text(node.left):
            yield ast.BinOp(node.left, COMPUTED[type(one)](), node.right)
        case ast.AugAssign(op=one) if type(one) in COMPUTED:
            yield ast.AugAssign(node.target, COMPUTED[type(one)](), node.value)
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int()):
            yield ast.Constant(node.value + 1)
        case ast.Call(func=ast.Name(id=name)) if name in CALLED:
            yield ast.Call(ast.Name(CALLED[name], ast.Load()), node.args, node.keywords)
        case ast.If() | ast.While() | ast.IfExp():
            changed = copy.copy(node)
            changed.test = ast.UnaryOp(ast.Not(), node.test)
            yield changed
        case ast.Raise() | ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))
    )


class _One(ast.NodeTransformer):
    """Puts one change in its place; what only annotates, decorates or describes is left alone."""

    def __init__(self, wanted: int) -> None:
        self.seen, self.wanted = 0, wanted
        self.said: str | None = None
        self._inside: list[str] = []

    def visit(self, node: ast.AST) -> ast.AST:
        for changed in changes_of(node):
            if self.seen == self.wanted:
                self.seen += 1
                self.said = f"{'.'.join(self._inside) or 'module'}: {_brief(node)} -> {_brief(changed)}"
                return ast.copy_location(changed, node)
            self.seen += 1
        named = isinstance(node, (ast.FunctionDef, ast.ClassDef))
        if named:
            self._inside.append(node.name)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "bases", "type_comment") or (
                isinstance(node, ast.ClassDef) and name == "keywords"
            ):
                continue
            if isinstance(value, list):
                value[:] = [self.visit(one) if isinstance(one, ast.AST) else one for one in value]
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        if named:
            self._inside.pop()
        return node


def _brief(node: ast.AST) -> str:
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    return text.split("\n")[0]


def mutants(source: str) -> Iterator[tuple[str, ast.Module]]:
    """What each says of itself, and the file with it."""
    number, said = 0, dict[str, int]()
    while True:
        tree = ast.parse(source)
        one = _One(number)
        one.visit(tree)
        if one.said is None:
            return
        number += 1
        said[one.said] = said.get(one.said, 0) + 1
        again = f" ({said[one.said]})" if said[one.said] > 1 else ""
        yield one.said + again, ast.fix_missing_locations(tree)


# A mutant, in the place of what it is a mutant of ------------------------------------------------


def take_over(module: ModuleType, tree: ast.Module) -> None:
    """The code and the constants of a mutant; whoever imported a function of the module then runs the mutant's."""
    mutant = ModuleType(module.__name__)
    mutant.__file__ = module.__file__
    sys.modules[module.__name__] = mutant
    try:
        exec(compile(tree, str(module.__file__), "exec"), mutant.__dict__)
    finally:
        sys.modules[module.__name__] = module
    _exchange(vars(module), vars(mutant), module)


def _exchange(old: Mapping[str, Any], new: Mapping[str, Any], owner: Any) -> None:
    for name, value in list(old.items()):
        if name.startswith("__") and not isinstance(value, FunctionType):
            continue
        there = new.get(name)
        if isinstance(value, type) and isinstance(there, type) and value.__module__ == there.__module__:
            if value.__module__ == getattr(owner, "__name__", None):
                _exchange(vars(value), vars(there), value)
            continue
        function, other = _function(value), _function(there)
        if function is not None and other is not None:
            if function.__code__.co_freevars == other.__code__.co_freevars:
                function.__code__, function.__defaults__ = other.__code__, other.__defaults__
                function.__kwdefaults__ = other.__kwdefaults__
            if hasattr(value, "cache_clear"):
                value.cache_clear()
        elif isinstance(owner, ModuleType) and isinstance(value, (int, str, bytes, tuple, dict)):
            setattr(owner, name, there)


def _function(value: Any) -> FunctionType | None:
    """What runs behind a method, a property, a class method or what is remembered of one."""
    for name in ("fget", "__func__", "__wrapped__"):
        value = getattr(value, name, None) or value
    return value if isinstance(value, FunctionType) else None


# All of them --------------------------------------------------------------------------------------


class Mutation:
    """A plugin that runs the collected tests once as they are, and once for each mutant."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.told: dict[str, Any] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        started, running, survived, count = time.monotonic(), dict[int, tuple[str, str]](), list[str](), 0
        module = importlib.import_module(self.module)
        assert module.__file__ is not None

        def collect() -> None:
            pid, status = os.wait()
            said, folder = running.pop(pid)
            shutil.rmtree(folder, ignore_errors=True)
            if status == 0:
                survived.append(said)
            end = "\r" if sys.stderr.isatty() else "\n"
            print(f"{count - len(running)} mutants, {len(survived)} survived", end=end, file=sys.stderr)
            if status == 0:
                print(f"survived: {said}", file=sys.stderr)

        def start(said: str, tree: ast.Module) -> None:
            folder = tempfile.mkdtemp()
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    status = _child(session, folder, module, tree)
                finally:
                    os._exit(status)
            running[pid] = said, folder

        start("as it is", ast.parse(Path(module.__file__).read_text("utf-8")))
        collect()
        assert survived == ["as it is"], "the tests fail without any mutant"
        survived.clear()
        for said, tree in mutants(Path(module.__file__).read_text("utf-8")):
            while len(running) >= (os.cpu_count() or 1):
                collect()
            count += 1
            start(said, tree)
        while running:
            collect()
        self.told = {
            "mutants": count,
            "killed": count - len(survived),
            "survived": sorted(survived),
            "seconds": round(time.monotonic() - started, 1),
        }
        return True


def _child(session: pytest.Session, folder: str, module: ModuleType, tree: ast.Module) -> int:
    """In a process of its own: whether the tests notice (1) or not (0)."""
    signal.alarm(AT_MOST_SECONDS)
    vars(session.config)["_tmp_path_factory"]._basetemp = Path(folder)
    take_over(module, tree)
    from _pytest.main import pytest_runtestloop

    pytest_runtestloop(session)
    return 1 if session.testsfailed else 0


def run(module: str, *tests: str) -> dict[str, Any]:
    """Of every mutant whether it was noticed, as many at a time as there are cores."""
    mutation = Mutation(module)
    options = [
        "-q",
        "-x",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=",
        "--no-header",
        "--capture=fd",
    ]
    pytest.main([*options, *tests], plugins=[mutation])
    return mutation.told


if __name__ == "__main__":
    os.chdir(ROOT)
    told = run(*sys.argv[1:])
    Path(os.environ["WATCHLIST_MUTANTS"]).write_text(json.dumps(told, ensure_ascii=False, indent=1))
