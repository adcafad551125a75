"""From convolutions of Relax to kernels of minimal filtering."""

from tvm import relax
from tvm.target import Target

from cosearch.frontend.graph import dtype_of
from cosearch.schedules.conditions import Conditions
from cosearch.schedules.kernel_memo import KernelMemo, Legalizer, static_shape
from cosearch.schedules.rules.machine import Machine
from cosearch.schedules.winograd.choice import Convolution, choose_tile
from cosearch.schedules.winograd.definition import winograd_conv2d
from cosearch.schedules.winograd.transforms import TAPS
from cosearch.schedules.winograd.weights import weight_kernel

FUSES_ELEMENTWISE = 4
"""TVM's pattern of an operator in whose loops elementwise ones may follow."""

_FLOAT = "float32"


def winograd_legalizers(target: Target, memo: KernelMemo) -> dict[str, Legalizer]:
    """Return what `relax.transform.LegalizeOps` makes convolutions of, by name of the operator.

    Those become minimal filtering that the rules expect to gain enough by it on one thread of the
    target (see `choose_tile`); TVM legalises the others.

    Parameters
    ----------
    target : tvm.target.Target
        For which the memo remembers.
    memo : KernelMemo
        What remembers the kernels.
    """
    if target.kind.name != "llvm":
        return {}
    machine = Machine.of(Conditions.of(target))
    otherwise = memo.legalizer("relax.nn.conv2d")

    def legalize(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
        m = _tile_for(call, machine)
        if m is None:
            return otherwise(builder, call)
        data, weight = call.args
        *_, inputs, outputs = (int(extent) for extent in weight.ty.shape.values)
        kernel = builder.add_func(weight_kernel(m, inputs, outputs), "winograd_weight")
        size = m + TAPS - 1
        transformed = builder.emit(
            relax.call_tir(kernel, weight, relax.TensorType((size, size, inputs, outputs), _FLOAT))
        )
        padding, groups = [int(pad) for pad in call.attrs.padding], int(call.attrs.groups)

        def make() -> relax.Expr:
            return builder.call_te(
                winograd_conv2d,
                data,
                transformed,
                padding,
                m,
                groups,
                primfunc_name_hint="conv2d",
                primfunc_attrs={"op_pattern": FUSES_ELEMENTWISE},
            )

        key = ("winograd", m, _shape(data), outputs, *padding, groups)
        return memo.call(builder, key, (data, transformed), make)

    return {"relax.nn.conv2d": legalize}


def _tile_for(call: relax.Call, machine: Machine) -> int | None:
    """Return the tile by which a convolution should be computed; None for none."""
    attrs = call.attrs
    data, weight = (_shape(arg) for arg in call.args)
    fits = (
        (str(attrs.data_layout), str(attrs.kernel_layout)) == ("NHWC", "HWIO")
        and str(attrs.out_layout) == "NHWC"
        and str(attrs.out_dtype) in ("None", "void", _FLOAT)
        and all(int(step) == 1 for step in (*attrs.strides, *attrs.dilation))
    )
    if not fits or data is None or weight is None or weight[:2] != (TAPS, TAPS):
        return None
    batch, height, width, inputs = data
    top, left, bottom, right = (int(pad) for pad in attrs.padding)
    convolution = Convolution(
        (batch, height, width, inputs), weight[3], int(attrs.groups), (top, left, bottom, right)
    )
    return choose_tile(convolution, machine)


def _shape(arg: relax.Expr) -> tuple[int, ...] | None:
    return static_shape(arg) if dtype_of(arg) == _FLOAT else None
