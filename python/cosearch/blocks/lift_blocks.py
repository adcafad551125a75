"""LiftBlocks: outline the blocks of a network into functions."""

from collections.abc import Sequence

import tvm_ffi
from tvm.ir.transform import Pass


def LiftBlocks(patterns: Sequence[str] | None = None, *, opt_level: int = 0) -> Pass:
    """Outline each outermost block of a network into a private function.

    .. code-block:: python

        # before                                     # after
        lv = R.nn.conv2d(x, W)                       lv2 = conv_norm_act_1b2c3d4e(x, W, B)
        lv1 = R.add(lv, B)
        lv2 = R.nn.relu(lv1)                         @R.function(private=True)
                                                     def conv_norm_act_1b2c3d4e(x0, w0, w1): ...

    Weights (constants of rank above 0, parameters beyond ``num_input``) become parameters behind
    the data; scalar constants stay inside. Equal blocks share one function, whose name is its
    pattern and the head of its signature. Nested blocks stay inside it.

    The function carries ``cosearch.block`` (the pattern), ``cosearch.signature``,
    ``cosearch.signature_agnostic``, ``cosearch.positions`` (which blocks of the network, counted
    from 0, it stands for), ``cosearch.stage``, ``cosearch.model`` (the module's attribute of that
    name), ``cosearch.children`` (its nested blocks), ``cosearch.mark`` (of marked ones) and
    ``num_input``. A network that calls such functions is left alone, so the pass is idempotent.

    Parameters
    ----------
    patterns : sequence of str, optional
        Which of `PATTERNS` to lift; by default what ``PassContext``'s config
        ``relax.cosearch.patterns`` says, or else all.
    opt_level : int
        From which ``opt_level`` of ``PassContext`` on the pass runs in a ``Sequential``.

    Returns
    -------
    tvm.transform.Pass
        A module pass named ``cosearch.blocks.LiftBlocks``.

    Raises
    ------
    ValueError
        When it runs, for an unknown pattern, or a marked function that cannot be a block.
    """
    make = tvm_ffi.get_global_func("cosearch.blocks.LiftBlocks")
    made: Pass = make(opt_level, None if patterns is None else list(patterns))
    return made
