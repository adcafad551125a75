// What the analyses of this room need to know of a Relax dataflow graph.
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "ir/relax.h"

namespace cosearch::blocks {

/*! \brief Which binding defines which variable. */
using Definitions = std::unordered_map<const ir::VarNode*, const ir::BindingNode*>;

/*! \brief Right-hand side of a binding. */
const ir::Expr& BoundValue(const ir::BindingNode* binding);

/*! \brief Calls \p visit for every use of a variable in \p expr, in argument order; variables in
 * types and shapes are symbolic extents, not values, and are left out. */
void VisitValues(const ir::Expr& expr, const std::function<void(const ir::VarNode*)>& visit);

/*!
 * \brief The bindings of \p definitions that \p roots depend on, operands first.
 *
 * The order follows argument positions from the roots, so it is the same for every program order
 * and every naming of one graph. Bindings that nothing needs are left out.
 */
std::vector<const ir::BindingNode*> CanonicalOrder(const Definitions& definitions,
                                                   const std::vector<ir::Expr>& roots);

/*! \brief Whether \p expr is a constant tensor of rank above 0: a weight. */
bool IsTensorConstant(const ir::Expr& expr);

/*! \brief Value of a constant of rank 0, when \p expr is one of a numeric dtype. */
std::optional<double> ScalarConstant(const ir::Expr& expr);

/*! \brief Extents of a tensor type, -1 for a symbolic one; nothing when the shape is unknown. */
std::optional<std::vector<int64_t>> StaticShape(const ir::Type& type);

/*! \brief How many leading parameters of \p function are data: its `num_input`, by default all. */
int64_t NumInput(const ir::RelaxFunctionNode* function);

/*! \brief Attribute \p key of \p function, when it is there. */
std::optional<ir::Any> FindAttr(const ir::BaseFuncNode* function, const char* key);

}  // namespace cosearch::blocks
