#pragma once

#include <cstddef>
#include <vector>

#include "blocks/digest.h"
#include "ir/tirx.h"

namespace cosearch::schedules {

/*! \brief Coordinates of a workload among those of its kind. */
constexpr size_t kCoordinates = 14;

/*! \brief What decides whether a schedule for one workload suits another. */
struct WorkloadPoint {
  /*! \brief Shape-agnostic hash of the main nest: the one with the most iterations that reduces,
   * or the one with the most iterations where none does. */
  blocks::Digest kind;
  /*!
   * \brief Of the main nest, logarithms to base 2 of: the extents of its last four spatial axes
   * and of its last three reductions, its largest stride and dilation, its operations per byte,
   * the bytes that it touches, and the bytes of its largest weight (a buffer that the outermost
   * spatial axes do not choose from); then how many levels of cache these bytes outgrow, and the
   * logarithm of the number of nests.
   */
  std::vector<double> coordinates;
};

/*!
 * \brief Describes a PrimFunc that is not scheduled yet.
 * \throws std::invalid_argument When an extent is not constant, or there is no block.
 */
WorkloadPoint DescribeWorkload(const ir::PrimFuncNode* function);

}  // namespace cosearch::schedules
