#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "blocks/op_graph.h"
#include "ir/relax.h"

namespace cosearch::blocks {

/*! \brief Name prefix of a variable whose op belongs to a mark: `cosearch_mark.<name>.<rest>`. */
inline constexpr const char* kMarkPrefix = "cosearch_mark.";

/*! \brief A dataflow block as the finder sees it, and the way back to the IR. */
struct BlockGraph {
  OpGraph graph;
  /*! \brief The binding of each op, and its place in the block. */
  std::vector<const ir::BindingNode*> bindings;
  std::vector<int> places;
  /*! \brief Variables that hold weights: parameters beyond `num_input`, constants, and what is
   * computed from them alone. */
  std::unordered_set<const ir::VarNode*> weights;
};

/*! \brief Reads the dataflow block \p block of \p function. */
BlockGraph BuildOpGraph(const ir::RelaxFunctionNode* function, const ir::DataflowBlockNode* block);

}  // namespace cosearch::blocks
