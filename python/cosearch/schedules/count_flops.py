"""Count the arithmetic of a workload."""

from tvm.ir import IRModule
from tvm.s_tir.analysis import estimate_tir_flops
from tvm.tirx import PrimFunc

from cosearch.schedules.tasks import is_tunable


def count_flops(func: PrimFunc) -> float:
    """Return the floating-point operations of one call of an unscheduled kernel.

    As TVM counts them: one for each arithmetic operator or comparison on elements of tensors, so
    two for a multiply-add, and none for a call such as ``exp``. It is 0 where they cannot be
    counted, as with an extent that is a variable.

    Parameters
    ----------
    func : tvm.tirx.PrimFunc
        The kernel before it is scheduled.
    """
    if not is_tunable(func):
        return 0.0
    try:
        return float(estimate_tir_flops(IRModule({"main": func})))
    except RuntimeError:  # TVM's way to say that it does not know a node of the kernel
        return 0.0
