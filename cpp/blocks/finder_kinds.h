#pragma once

#include <cstdint>

#include "op_graph.h"

namespace cosearch::blocks {

/*! \brief What an op is to the block finder. */
enum class Kind : uint8_t {
  kInput,       // a data input of the network
  kConstant,    // computed from weights alone
  kConv,        // any convolution
  kDense,       // matrix product with a weight
  kNorm,        // batch, layer, group, … normalisation
  kAffine,      // + - * / by scalars or weights: a bias, a folded batch-norm, a scale
  kIdentity,    // cast, alias, dropout, first result of a batch-norm
  kActivation,  // nonlinear, element by element
  kAdd,         // sum of two values
  kMultiply,    // product of two values
  kConcat,
  kPool,
  kGlobalPool,  // also any other reduction
  kPad,
  kRearrange,  // reshape, transpose, slice: moves elements of one value
  kSplit,      // one value to a tuple
  kCall,       // call of another function: a block that was lifted before, say
  kOther,
};

/*!
 * \brief Classify an op.
 * \param op The op.
 * \param num_data Number of distinct values it reads that depend on data.
 * \param producer Kind and op behind its first input (nullptr for a network input).
 */
Kind Classify(const Op& op, int num_data, const Op* producer);

/*! \brief Whether ops of this kind keep the shape and read one value (pointwise or a norm). */
inline bool IsPointwise(Kind kind) { return kind >= Kind::kNorm && kind <= Kind::kActivation; }

/*! \brief Whether a value of this op is a tuple. */
bool IsTupleValued(const Op& op);

}  // namespace cosearch::blocks
