#pragma once

#include <vector>

#include "../finder_family.h"
#include "../finder_view.h"

namespace cosearch::blocks {

/*! \brief Whether two or more values join at this op other than in a pointwise function or gate. */
bool IsJoin(const GraphView& view, int node);

/*! \brief What a concat joins; looks through a tuple that was bound by itself. */
const std::vector<int>& OperandsOf(const GraphView& view, int concat);

/*!
 * \brief Whether `ops` (ascending), from `entry` to `concat`, are not branches but units, each of
 * which reads several before it: another concat reads an operand too (a dense block's layers), or
 * an inner concat is read more than once (cells of two inputs).
 */
bool HoldsConnectedUnits(const GraphView& view, const std::vector<int>& ops, int concat, int entry);

/*! \brief Tells a stage, in which blocks follow one another, from a block. */
class StageTest {
 public:
  StageTest(const GraphView& view, const BlockFamily& found);

  /*! \brief A block that ends at `exit` was found. */
  void Add(int exit) { ends_[exit] = 1; }

  /*!
   * \brief Whether blocks follow one another inside `ops` (ascending), which close at `join`: then
   * those are the units, not the whole.
   */
  bool IsStage(const std::vector<int>& ops, int join) const;

 private:
  const GraphView& view_;
  std::vector<char> ends_;  // exits of blocks, and of x + f(x) by whatever f
};

}  // namespace cosearch::blocks
