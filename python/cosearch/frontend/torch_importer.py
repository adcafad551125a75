"""TVM's importer of exported programs, which also follows the user's marks."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tvm.ir import IRModule
from tvm.relax.frontend.torch.exported_program_translator import ExportedProgramImporter

from cosearch.frontend.errors import FrontendError
from cosearch.frontend.marks import MarkNames, import_hint


def import_exported_program(program: Any, marks: Mapping[str, str]) -> IRModule:
    """Import a ``torch.export.ExportedProgram``.

    Parameters
    ----------
    program : torch.export.ExportedProgram
        The program.
    marks : mapping of str to str
        Names of marks, by the path of the submodule that bears one.

    Raises
    ------
    FrontendError
        For operators that TVM does not import.
    """
    decomposed = program.run_decompositions()
    importer = _MarkingImporter(marks)
    _check_inference(decomposed.graph.nodes)
    _check_operators(decomposed.graph.nodes, importer.convert_map)
    try:
        mod = importer.from_exported_program(decomposed, False, True, False, None)
    except Exception as error:
        lines = [line for line in str(error).strip().splitlines() if line.strip()]
        node = importer.current
        where = f" at node {node.name!r} ({node.target})" if node is not None else ""
        raise FrontendError(
            f"TVM cannot import the exported program{where}: {type(error).__name__}: "
            f"{lines[-1].strip() if lines else ''}"
        ) from error
    inputs = len(mod["main"].params)
    mod["main"] = mod["main"].with_attr("num_input", inputs)
    return mod


def _check_inference(nodes: Iterable[Any]) -> None:
    for node in nodes:
        if getattr(node.target, "__name__", "").startswith("_native_batch_norm_legit_functional"):
            raise FrontendError(
                f"node {node.name!r} is batch-norm in training mode: call eval() on the module "
                "before it is exported"
            )


def _check_operators(nodes: Iterable[Any], known: Mapping[str, Any]) -> None:
    unknown = {
        f"{node.target} (node {node.name!r})"
        for node in nodes
        if node.op == "call_function" and node.target.__name__ not in known
    }
    if unknown:
        raise FrontendError(
            f"TVM imports no torch operator {', '.join(sorted(unknown))}: replace it in the "
            "network by operators that are in torch's core set"
        )


class _MarkingImporter(ExportedProgramImporter):  # type: ignore[misc]
    """Names the variables of a marked submodule's ops after the mark.

    torch.export keeps with each node the submodules that it is in; the builder of TVM's importer
    gives every variable a name. So the mark needs no op of its own in the graph.
    """

    def __init__(self, marks: Mapping[str, str]) -> None:
        super().__init__()
        self.current: Any = None
        self._names = MarkNames(marks)

    def _translate_fx_graph(
        self, graph_module: Any, nodes: Iterable[Any], *others: Any, **named: Any
    ) -> Any:
        builder: Any = self.block_builder
        self.block_builder: Any = _NamingBuilder(builder, self)
        return super()._translate_fx_graph(graph_module, self._follow(nodes), *others, **named)

    def _follow(self, nodes: Iterable[Any]) -> Iterator[Any]:
        for node in nodes:
            self.current = node
            yield node

    def mark(self) -> str:
        """Find the mark of the node that is being imported."""
        stack = self.current.meta.get("nn_module_stack") if self.current is not None else None
        return self._names.of(stack) if stack else ""


class _NamingBuilder:
    """A block builder that names what it emits."""

    def __init__(self, builder: Any, importer: _MarkingImporter) -> None:
        self._builder = builder
        self._importer = importer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._builder, name)

    def emit(self, expr: Any, name_hint: str = "") -> Any:
        """Emit an expression under the name of the mark, if there is one."""
        mark = self._importer.mark()
        return self._builder.emit(expr, import_hint(mark) if mark else name_hint)
