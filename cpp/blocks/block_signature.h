#pragma once

#include <functional>
#include <vector>

#include "blocks/dataflow.h"
#include "blocks/digest.h"

namespace cosearch::blocks {

/*! \brief Signature of a function that is called by name, when its module is at hand. */
using CalleeSignature = std::function<std::optional<Signature>(const ir::GlobalVarNode*)>;

/*! \brief A dataflow graph to sign: a whole function's, or a region's. */
struct SignedGraph {
  /*! \brief Operands first; see CanonicalOrder. */
  std::vector<const ir::BindingNode*> order;
  /*! \brief Expressions that the graph hands out, in order. */
  std::vector<ir::Expr> results;
  /*! \brief Whether a variable that enters the graph is a weight. */
  std::function<bool(const ir::VarNode*)> is_weight;
  CalleeSignature callee;
};

/*!
 * \brief Signature of a dataflow graph.
 *
 * Values are numbered in canonical order and parameters, weights and symbolic extents by first
 * use, so names, program order and parameter order do not matter, while sharing does. Constants of
 * rank above 0 count as weights: a block has one signature whether they are captured or passed.
 */
Signature SignGraph(const SignedGraph& graph);

/*! \brief Signature of a function; what it calls by name counts by \p callee or else by name. */
Signature SignFunction(const ir::RelaxFunctionNode* function, const CalleeSignature& callee);

}  // namespace cosearch::blocks
