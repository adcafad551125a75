// Knows nothing of TVM.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cosearch::latency {

/*! \brief What a block costs in a network. */
struct BlockCost {
  double steady_us;
  /*! Thousands of bytes of weights and calls, as they count. */
  double weights_kb, calls;
  /*! Thousands of bytes of weights, as they are. */
  double footprint_kb;
};

/*! \brief What weights and calls take in a network whose weights have some size. */
struct CurveKnot {
  double log2_footprint_kb, weight_us_per_kb, call_us;
};

/*!
 * \brief Says what networks take that are made of blocks.
 * \param blocks What each block costs.
 * \param size How many blocks there are.
 * \param slots ``[rows, columns]`` places of blocks, negative where there is none.
 * \param curve One knot or more by ascending footprint: linear between them, constant beyond.
 * \param knots How many there are.
 * \param base_us What each network takes beyond its blocks.
 * \param out_us ``[rows]`` latencies.
 * \throws std::invalid_argument When a place is outside of the table, or the curve has no knot.
 */
void SumBlocks(const BlockCost* blocks, size_t size, const int32_t* slots, size_t rows,
               size_t columns, const CurveKnot* curve, size_t knots, double base_us,
               double* out_us);

}  // namespace cosearch::latency
