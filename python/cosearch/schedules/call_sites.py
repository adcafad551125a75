"""Which kernels a lowered network calls, how often, and from which blocks."""

from dataclasses import dataclass, field

from tvm import relax
from tvm.ir import GlobalVar, IRModule, Op

from cosearch.schedules.winograd.weights import WEIGHT


@dataclass
class CallSite:
    """The calls of one kernel.

    Attributes
    ----------
    calls : int
        Times that one run of the network calls it.
    blocks : tuple of str
        Patterns of the blocks that call it, in the order of their first call.
    signatures : tuple of str
        Shape-aware signatures of those blocks.
    """

    calls: int = 0
    blocks: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()

    def add(self, block: relax.Function | None) -> None:
        """Count one call from a block, or from outside of any."""
        self.calls += 1
        attrs = (block.attrs or {}) if block is not None else {}
        pattern, signature = attrs.get("cosearch.block"), attrs.get("cosearch.signature")
        if pattern is not None and str(pattern) not in self.blocks:
            self.blocks += (str(pattern),)
        if signature is not None and str(signature) not in self.signatures:
            self.signatures += (str(signature),)


@dataclass(frozen=True)
class BlockCall:
    """One call of a block, or the kernels between two of them.

    Attributes
    ----------
    pattern : str
        Pattern of the block, empty between blocks.
    kernels : tuple of str
        Names of the kernels in the order in which they are called.
    """

    pattern: str
    kernels: tuple[str, ...] = ()


@dataclass
class CallSites:
    """The kernels of a network in the order of their first call.

    Attributes
    ----------
    kernels : dict of str to CallSite
        By name of the PrimFunc.
    blocks : list of BlockCall
        In the order of the calls; a block within another is part of that one.
    """

    kernels: dict[str, CallSite] = field(default_factory=dict)
    blocks: list[BlockCall] = field(default_factory=list)

    @classmethod
    def of(cls, mod: IRModule) -> "CallSites":
        """Follow the calls of a lowered module from its public functions.

        Parameters
        ----------
        mod : tvm.ir.IRModule
            The module of workloads that `lower_to_workloads` makes.
        """
        sites = cls()
        for func in mod.functions.values():
            if isinstance(func, relax.Function) and "global_symbol" in (func.attrs or {}):
                sites._follow(mod, func, None)
        sites.blocks = [block for block in sites.blocks if block.kernels]
        return sites

    def _follow(self, mod: IRModule, func: relax.Function, block: relax.Function | None) -> None:
        call_tir = Op.get("relax.call_tir")
        for binding_block in func.body.blocks:
            for binding in binding_block.bindings:
                call = getattr(binding, "value", None)
                if not isinstance(call, relax.Call):
                    continue
                if call.op == call_tir:
                    if WEIGHT in (mod[call.args[0]].attrs or {}):
                        continue  # it is run while compiling
                    name = str(call.args[0].name_hint)
                    self.kernels.setdefault(name, CallSite()).add(block)
                    self._extend(name, block)
                elif isinstance(call.op, GlobalVar) and isinstance(mod[call.op], relax.Function):
                    self._enter(mod, mod[call.op], block)

    def _enter(self, mod: IRModule, func: relax.Function, outer: relax.Function | None) -> None:
        if outer is None:
            self.blocks.append(BlockCall(str((func.attrs or {}).get("cosearch.block", ""))))
        self._follow(mod, func, outer or func)
        if outer is None:
            self.blocks.append(BlockCall(""))  # what follows is outside of it

    def _extend(self, name: str, block: relax.Function | None) -> None:
        """Add a kernel to the block that was entered last."""
        if block is None and not self.blocks:
            self.blocks.append(BlockCall(""))
        last = self.blocks[-1]
        self.blocks[-1] = BlockCall(last.pattern, (*last.kernels, name))
