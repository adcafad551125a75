// Copying parts of a function with other variables, symbolic extents included.
#pragma once

#include <functional>
#include <unordered_map>

#include "ir/relax.h"

namespace cosearch::blocks {

/*! \brief Extents of a tensor's or a shape's type; empty when they are unknown. */
ir::Array<ir::Expr> Extents(const ir::Type& type);

/*!
 * \brief Whether a type, or a value with its operands, mentions nothing but literal extents. Cheap,
 * and true for nearly every network: the general walk and map are for the others.
 */
bool IsStatic(const ir::Type& type);
bool IsStatic(const ir::Expr& value);

/*! \brief Calls \p visit for every symbolic extent in a type or a value. */
void VisitSymbols(const ir::ObjectRef& root, const std::function<void(const ir::Var&)>& visit);

/*! \brief Replaces variables and constants in expressions and types. */
class Substitution {
 public:
  void Set(const ir::Object* from, const ir::Expr& to) { map_[from] = to; }
  bool Has(const ir::Object* from) const { return map_.count(from) != 0; }
  /*! \brief Whether extents are replaced too, which takes the general map. */
  void set_symbolic(bool symbolic) { symbolic_ = symbolic; }

  ir::Expr operator()(const ir::Expr& expr) const;
  ir::Type operator()(const ir::Type& type) const;

 private:
  ir::Expr Leaf(const ir::Expr& expr) const;
  ir::Any Map(const ir::Any& node) const;

  std::unordered_map<const ir::Object*, ir::Expr> map_;
  bool symbolic_ = false;
};

}  // namespace cosearch::blocks
