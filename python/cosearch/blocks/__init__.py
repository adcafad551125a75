"""The blocks room: signatures, and the passes that lift blocks out of a network and back.

Explicit marks
--------------
What a user marks becomes a block of pattern ``"marked"``, whatever the other patterns say:

- a Relax function with the attribute ``cosearch.mark`` (a name), called from the network. It must
  be pure and return a variable that it binds;
- ops of the network whose variables are named ``cosearch_mark.<name>.<anything>``
  (`MARK_PREFIX`): they and the ops between them are one block. A frontend names variables so for
  the ops of a marked torch module; ``<name>`` may contain dots (a module path), ``<anything>`` may
  not. Passes that replace an op also drop its variable's name: it is enough that the first and the
  last ops of the block keep theirs. Two sites need two names. (``BlockBuilder.emit`` puts an
  underscore for each dot of a name; a ``relax.Var`` made by hand keeps them.)
"""

from cosearch.blocks.find_blocks import Block, find_blocks
from cosearch.blocks.inline_blocks import InlineBlocks
from cosearch.blocks.lift_blocks import LiftBlocks
from cosearch.blocks.signature import Signature, block_signature, workload_signature

MARK_PREFIX = "cosearch_mark."
"""Name prefix of the variables of a marked module's ops."""

PATTERNS = (
    "marked",
    "nasbench201_cell",
    "nasbench101_cell",
    "mbconv",
    "fused_mbconv",
    "residual_basic",
    "residual_bottleneck",
    "inception",
    "depthwise_separable",
    "region",
    "squeeze_excitation",
    "conv_norm_act",
)
"""Names of the patterns of blocks, most specific first; ``"region"`` is the general rule."""

__all__ = [
    "MARK_PREFIX",
    "PATTERNS",
    "Block",
    "InlineBlocks",
    "LiftBlocks",
    "Signature",
    "block_signature",
    "find_blocks",
    "workload_signature",
]
