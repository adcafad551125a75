"""Imports run one way only, and ``import tvm`` stays light."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import cosearch

PACKAGE = Path(cosearch.__file__).parent
ORDER = [
    *("frontend", "blocks", "timing", "schedules", "latency", "spaces", "accuracy", "hardware"),
    *("report", "pipeline", "relay", "nas", "peers", "service", "cli"),
]
EVERYONE = {"_versions", "_threads"}
CPP = PACKAGE.parents[1] / "cpp"
CPP_ORDER = ["ir", "blocks", "timing", "schedules", "latency", "ffi"]


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("cosearch.")} - EVERYONE


def backward_arrows(order: list[str], arrows: list[tuple[str, str, Path]]) -> list[str]:
    return [
        f"{path}: {source} imports {target}"
        for source, target, path in arrows
        if order.index(target) > order.index(source)
    ]


def test_python_rooms_import_only_earlier_rooms():
    arrows = []
    for path in PACKAGE.rglob("*.py"):
        if path.parent == PACKAGE and room(path) not in ORDER:
            continue  # the package's own front and the plug-in serve every room
        for target in imported_rooms(path) & set(ORDER):
            arrows.append((room(path), target, path))
    assert arrows
    assert not backward_arrows(ORDER, arrows)


def test_a_backward_arrow_is_found():
    arrows = [("blocks", "schedules", Path("blocks/x.py")), ("cli", "blocks", Path("cli/y.py"))]
    assert backward_arrows(ORDER, arrows) == ["blocks/x.py: blocks imports schedules"]


def test_cpp_rooms_include_only_earlier_rooms():
    arrows = []
    for path in [*CPP.rglob("*.h"), *CPP.rglob("*.cc")]:
        for included in re.findall(r'#include "(\w+)/', path.read_text()):
            if included in CPP_ORDER:
                arrows.append((path.relative_to(CPP).parts[0], included, path))
    assert arrows
    assert not backward_arrows(CPP_ORDER, arrows)


def test_importing_tvm_loads_the_core_and_nothing_heavy():
    code = (
        "import sys, tvm\n"
        "assert 'cosearch._plugin' in sys.modules\n"
        "heavy = {'sqlalchemy', 'onnx', 'typer', 'rich', 'cosearch.schedules'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print('cosearch' in tvm.relax.pipeline.PIPELINE_MAP)\n"
        "tvm.transform.PassContext(config={'relax.cosearch.enable': True})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"]
    assert "Failed to autoload" not in done.stderr
