#include "ir/build.h"

#include <tvm/ffi/extra/structural_visit.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/rvalue_ref.h>

#include <utility>

namespace cosearch::ir {
namespace {

// A global function of TVM. Those below are looked up on first use, once.
class GlobalFunction {
 public:
  explicit GlobalFunction(const char* name) : function_(ffi::Function::GetGlobalRequired(name)) {}

  template <typename Result, typename... Args>
  Result Call(Args&&... args) const {
    return function_(std::forward<Args>(args)...).template cast<Result>();
  }
  template <typename... Args>
  void Run(Args&&... args) const {
    function_(std::forward<Args>(args)...);
  }

 private:
  ffi::Function function_;
};

DictAttrs EmptyAttrs() {
  static const GlobalFunction make("ffi.MakeObjectFromPackedArgs");
  return make.Call<DictAttrs>(String(DictAttrsNode::_type_key), String("__dict__"),
                              Map<String, Any>());
}

void UpdateType(const Expr& expr, const Type& type) {
  static const GlobalFunction update("relax.UpdateType");
  update.Run(expr, type);
}

}  // namespace

Var MakeVar(const std::string& name, const Type& type) {
  static const GlobalFunction make("ir.Var");
  return make.Call<Var>(String(name), type, nullptr);
}

DataflowVar MakeDataflowVar(const std::string& name, const Type& type) {
  static const GlobalFunction make("relax.DataflowVar");
  return make.Call<DataflowVar>(String(name), type, nullptr);
}

Call MakeCall(const Type& type, const Expr& op, const Array<Expr>& args, const Attrs& attrs,
              const Array<Type>& ty_args) {
  static const GlobalFunction make("ir.Call");
  return make.Call<Call>(type, op, args, attrs, ty_args, nullptr);
}

ShapeExpr MakeShapeExpr(const Array<Expr>& values) {
  static const GlobalFunction make("relax.ShapeExpr");
  return make.Call<ShapeExpr>(values, nullptr);
}

Type MakeShapeType(const Array<Expr>& values) {
  static const GlobalFunction make("relax.ShapeType");
  return make.Call<Type>(values, static_cast<int64_t>(values.size()), nullptr);
}

Binding MakeVarBinding(const Var& var, const Expr& value) {
  static const GlobalFunction make("relax.VarBinding");
  return make.Call<Binding>(var, value, nullptr);
}

BindingBlock MakeDataflowBlock(const Array<Binding>& bindings) {
  static const GlobalFunction make("relax.DataflowBlock");
  return make.Call<BindingBlock>(bindings, nullptr);
}

BindingBlock MakeBindingBlock(const Array<Binding>& bindings) {
  static const GlobalFunction make("relax.BindingBlock");
  return make.Call<BindingBlock>(bindings, nullptr);
}

SeqExpr MakeSeqExpr(const Array<BindingBlock>& blocks, const Expr& body, const Type& type) {
  static const GlobalFunction make("relax.SeqExpr");
  auto seq = make.Call<SeqExpr>(blocks, body, nullptr);
  UpdateType(seq, type);
  return seq;
}

RelaxFunction MakeFunction(const Array<Var>& params, const SeqExpr& body, const Type& ret_type,
                           bool is_pure, const DictAttrs& attrs) {
  static const GlobalFunction make("relax.Function");
  return make.Call<RelaxFunction>(params, body, ret_type, is_pure,
                                  attrs.defined() ? attrs : EmptyAttrs(), nullptr);
}

RelaxFunction WithBody(const RelaxFunction& function, const Array<BindingBlock>& blocks) {
  const SeqExpr& old = function->body();
  return MakeFunction(function->params(), MakeSeqExpr(blocks, old->body(), old->ty()),
                      function->ret_ty(), function->is_pure(), function->attrs());
}

RelaxFunction WithAttrs(const RelaxFunction& function, const Map<String, Any>& attrs) {
  static const GlobalFunction with_attrs("ir.BaseFuncWithAttrs");
  return with_attrs.Call<RelaxFunction>(function, attrs);
}

GlobalVar MakeGlobalVar(const std::string& name, const BaseFunc& function) {
  static const GlobalFunction make("ir.GlobalVar");
  auto global = make.Call<GlobalVar>(String(name));
  UpdateType(global, function->ty());
  return global;
}

IRModule WithFunctions(const IRModule& module, const IRModuleNode::Functions& functions) {
  static const GlobalFunction make("ir.IRModule");
  return make.Call<IRModule>(functions, module->attrs(), module->global_infos());
}

void CollectGlobalVars(const RelaxFunctionNode* function, std::set<const Object*>* names) {
  auto skip = [](const auto&) -> ffi::Expected<ffi::WalkResult> { return ffi::WalkResult::Skip(); };
  for (const BindingBlock& block : function->body()->blocks()) {
    for (const Binding& binding : block->bindings()) {
      ffi::StructuralWalk<ffi::WalkOrder::kPreOrder>(
          ffi::AnyView(binding),
          [&](const GlobalVar& name) -> ffi::Expected<ffi::WalkResult> {
            names->insert(name.get());
            return ffi::WalkResult::Skip();
          },
          [&](const Var& var) { return skip(var); },
          [&](const Constant& constant) { return skip(constant); },
          [&](const Type& type) { return skip(type); },
          [&](const Attrs& attrs) { return skip(attrs); });
    }
  }
}

ObjectRef MakeModulePass(const std::string& name, int opt_level,
                         std::function<IRModule(IRModule, PassContext)> rewrite) {
  static const GlobalFunction make("transform.MakeModulePass");
  static const GlobalFunction make_info("transform.PassInfo");
  auto body = ffi::Function::FromTyped(
      [rewrite = std::move(rewrite)](ffi::RValueRef<IRModule> module, PassContext context) {
        return rewrite(*std::move(module), std::move(context));
      });
  const auto info = make_info.Call<ObjectRef>(static_cast<int64_t>(opt_level), String(name),
                                              Array<String>{}, /*traceable=*/false);
  return make.Call<ObjectRef>(body, info);
}

}  // namespace cosearch::ir
