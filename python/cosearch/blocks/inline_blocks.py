"""InlineBlocks: put lifted blocks back into the network."""

import tvm_ffi
from tvm.ir.transform import Pass


def InlineBlocks(*, opt_level: int = 0) -> Pass:
    """Put the functions that `LiftBlocks` made back into their callers.

    .. code-block:: python

        # before                                     # after
        lv2 = mbconv_1b2c3d4e(x, W, B)               lv2 = R.call_tir(fused_conv2d_add_relu,
                                                                      (x, W, B), out_ty=...)
        @R.function(private=True)
        def mbconv_1b2c3d4e(x0, w0, w1):
            gv = R.call_tir(fused_conv2d_add_relu, (x0, w0, w1), out_ty=...)

    It works on whatever later passes have made of the bodies, so that memory is planned over the
    whole network once the blocks' kernels are scheduled. Other private functions stay.

    Parameters
    ----------
    opt_level : int
        From which ``opt_level`` of ``PassContext`` on the pass runs in a ``Sequential``.

    Returns
    -------
    tvm.transform.Pass
        A module pass named ``cosearch.blocks.InlineBlocks``.
    """
    made: Pass = tvm_ffi.get_global_func("cosearch.blocks.InlineBlocks")(opt_level)
    return made
