#pragma once

#include "blocks/hash_pair.h"
#include "ir/expr.h"

namespace cosearch::blocks {

/*!
 * \brief Hashes the attributes of an operator, of whatever *Attrs class, by reflection.
 *
 * What importers write differently but mean alike is made alike: an `out_dtype` (the result's type
 * tells it), an `out_layout` equal to the data layout, a negative axis, an IntImm for an int.
 * Shape-agnostic, extents go: paddings, pool sizes, group counts, split points.
 *
 * \param attrs May be null.
 * \param rank Rank of the tensor that axes count in, -1 when unknown.
 */
void HashAttrs(const ir::Attrs& attrs, int rank, HashPair* hash);

/*! \brief Hashes an attribute's value: literals, strings, dtypes and containers of them. */
void HashValue(const ir::Any& value, HashPair* hash);

}  // namespace cosearch::blocks
