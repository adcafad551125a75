#pragma once

#include <vector>

#include "pattern.h"

namespace cosearch::blocks {

/*! \brief A convolution (1×1 or 3×3) that an edge of a NAS-Bench-201 cell may have. */
bool IsNasbench201Conv(const GraphView& view, int node);
/*! \brief A pooling edge: 3×3 average. */
bool IsNasbench201Pool(const GraphView& view, int node);

/*! \brief The edge that ends at `value` (where a ReLU may follow it); empty where there is none. */
std::vector<int> EdgeBefore(const GraphView& view, int value);

/*! \brief The edge that alone reads `value`; empty where there is none. */
std::vector<int> EdgeBehind(const GraphView& view, int value);

/*!
 * \brief Propose cells that have but one way from input to output. They are a chain, in which no
 * cell shows by itself; the benchmark's reduction blocks show the network, and the chain between
 * two of them is the same cell over and over.
 */
void ProposeNasbench201Chains(const MatchContext& context, Proposals* proposals);

}  // namespace cosearch::blocks
