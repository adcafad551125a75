#pragma once

#include "blocks/digest.h"
#include "ir/tirx.h"

namespace cosearch::blocks {

/*!
 * \brief Signature of a PrimFunc that is not scheduled yet.
 *
 * Loop nests are hashed from the results back to the parameters, buffers and variables are
 * numbered on the way: names, the order of independent nests and the order of parameters do not
 * matter. Of the function's attributes only `layout_free_buffers` counts, since a schedule may
 * rewrite those buffers; annotations do not.
 *
 * The shape-agnostic hash drops extents of buffers and loops, offsets and bounds of padding, the
 * factors of flattened indices, and a mean's divisor. It keeps dtypes, ranks, kinds of iteration,
 * unit extents of reductions, operators, constants, strides and dilations (factors in a sum with a
 * reduction variable, or of a lone variable), and which extents are symbolic.
 */
Signature SignWorkload(const ir::PrimFuncNode* function);

/*!
 * \brief Shape-agnostic hash of one loop nest of such a function by itself: what it computes, not
 * where its inputs come from.
 */
Digest SignNest(const ir::PrimFuncNode* function, const ir::Stmt& nest);

}  // namespace cosearch::blocks
