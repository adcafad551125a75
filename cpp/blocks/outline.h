#pragma once

#include <functional>
#include <vector>

#include "blocks/block_signature.h"

namespace cosearch::blocks {

/*! \brief Bindings that become one function. */
struct Outlining {
  /*! \brief Bindings of the region, in any order. */
  std::vector<const ir::BindingNode*> bindings;
  /*! \brief The variable that the region computes for the rest. */
  ir::Var exit;
  std::function<bool(const ir::VarNode*)> is_weight;
  CalleeSignature callee;
};

/*! \brief A region in canonical form. */
class CanonicalRegion {
 public:
  explicit CanonicalRegion(Outlining outlining);

  const Signature& signature() const { return signature_; }
  /*! \brief Operands first. */
  const std::vector<const ir::BindingNode*>& order() const { return order_; }
  /*! \brief What enters: data by first use, then weights by first use. */
  const ir::Array<ir::Expr>& args() const { return args_; }
  int64_t num_input() const { return num_input_; }
  const ir::Var& exit() const { return outlining_.exit; }

  /*!
   * \brief The region as a function of args(), all variables fresh, symbolic extents too.
   *
   * Regions that differ in names, in program order or in the order of their operands' definitions
   * give structurally equal functions.
   */
  ir::RelaxFunction ToFunction() const;

 private:
  void CollectArgs();
  void CollectSymbols();

  Outlining outlining_;
  Definitions definitions_;
  std::vector<const ir::BindingNode*> order_;
  ir::Array<ir::Expr> args_;
  int64_t num_input_ = 0;
  /*! \brief Symbolic extents, by first use. */
  std::vector<ir::Var> symbols_;
  /*! \brief Last of the data in args() hands in the symbols that no other parameter's type does. */
  bool has_shape_arg_ = false;
  Signature signature_;
};

}  // namespace cosearch::blocks
