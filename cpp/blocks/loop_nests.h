#pragma once

#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/tirx.h"

namespace cosearch::blocks {

/*! \brief A PrimFunc taken apart into the loop nests of its root block. */
struct LoopNests {
  /*! \brief In program order. */
  std::vector<ir::Stmt> nests;
  /*! \brief Which nests write a buffer, by index into `nests`. */
  std::unordered_map<const ir::VarNode*, std::vector<int>> writers;
  /*! \brief Products of the reduction extents of a block: what a mean divides by. */
  std::set<int64_t> reduction_sizes;
  /*! \brief Whether reads and writes of buffers tell all dependences between nests. */
  bool ordered_by_buffers = true;
};

/*! \brief Takes a function apart. */
LoopNests SplitLoopNests(const ir::PrimFuncNode* function);

}  // namespace cosearch::blocks
