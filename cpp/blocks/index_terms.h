#pragma once

#include <cstdint>
#include <vector>

#include "ir/expr.h"

namespace cosearch::blocks {

/*! \brief One addend of an index: a factor times what is no sum, difference or scaling. */
struct IndexTerm {
  int64_t factor;
  ir::Expr atom;
};

/*! \brief An integer expression as a sum. */
struct IndexSum {
  std::vector<IndexTerm> terms;
  int64_t offset = 0;
};

/*! \brief Adds `scale * expr` to \p sum. */
void AddToSum(const ir::Expr& expr, int64_t scale, IndexSum* sum);

/*! \brief Whether \p expr is an integer that no buffer's content decides: an index, or a bound. */
bool IsIndex(const ir::Expr& expr);

}  // namespace cosearch::blocks
