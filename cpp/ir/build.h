// Makes TVM nodes through TVM's global functions, each looked up once.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "ir/module.h"
#include "ir/relax.h"

namespace cosearch::ir {

Var MakeVar(const std::string& name, const Type& type);
DataflowVar MakeDataflowVar(const std::string& name, const Type& type);
Call MakeCall(const Type& type, const Expr& op, const Array<Expr>& args, const Attrs& attrs,
              const Array<Type>& ty_args);
ShapeExpr MakeShapeExpr(const Array<Expr>& values);
Type MakeShapeType(const Array<Expr>& values);
Binding MakeVarBinding(const Var& var, const Expr& value);
BindingBlock MakeDataflowBlock(const Array<Binding>& bindings);
BindingBlock MakeBindingBlock(const Array<Binding>& bindings);
/*! \brief A sequence whose type is \p type. */
SeqExpr MakeSeqExpr(const Array<BindingBlock>& blocks, const Expr& body, const Type& type);
/*! \brief A pure or impure function; \p attrs may be null. */
RelaxFunction MakeFunction(const Array<Var>& params, const SeqExpr& body, const Type& ret_type,
                           bool is_pure, const DictAttrs& attrs);
/*! \brief \p function with its body and nothing else replaced. */
RelaxFunction WithBody(const RelaxFunction& function, const Array<BindingBlock>& blocks);
RelaxFunction WithAttrs(const RelaxFunction& function, const Map<String, Any>& attrs);
/*! \brief A name for \p function, of its type. */
GlobalVar MakeGlobalVar(const std::string& name, const BaseFunc& function);
/*! \brief \p module with other functions; attributes and global infos stay. */
IRModule WithFunctions(const IRModule& module, const IRModuleNode::Functions& functions);
/*! \brief Adds every global that \p function names to \p names. */
void CollectGlobalVars(const RelaxFunctionNode* function, std::set<const Object*>* names);
/*! \brief A module pass that runs \p rewrite, as TVM's pass infrastructure knows passes. */
ObjectRef MakeModulePass(const std::string& name, int opt_level,
                         std::function<IRModule(IRModule, PassContext)> rewrite);

}  // namespace cosearch::ir
