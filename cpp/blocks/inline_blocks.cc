#include "blocks/inline_blocks.h"

#include "blocks/block_sites.h"
#include "blocks/dataflow.h"
#include "blocks/substitution.h"
#include "ir/build.h"

namespace cosearch::blocks {
namespace {

namespace ffi = ir::ffi;
using ir::Expr;

// TVM's own InlinePrivateFunctions and Function.inline_functions take every private function, or
// bind each constant argument to a variable; here arguments take the place of parameters.
class Inliner {
 public:
  explicit Inliner(const ir::IRModule& module) : functions_(module->functions()) {}

  ir::RelaxFunction Run(const ir::RelaxFunction& function) {
    ir::Array<ir::BindingBlock> blocks = function->body()->blocks();
    bool changed = false;
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (!HasCalls(blocks[i])) continue;
      changed = true;
      blocks.Set(i, Rebuild(blocks[i]));
    }
    return changed ? ir::WithBody(function, blocks) : function;
  }

 private:
  const ir::RelaxFunctionNode* CalleeOf(const ir::Binding& binding) const {
    const auto* call = BoundValue(binding.get()).as<ir::CallNode>();
    const auto* name = call == nullptr ? nullptr : call->op().as<ir::GlobalVarNode>();
    if (name == nullptr) return nullptr;
    auto it = functions_.find(ffi::GetRef<ir::GlobalVar>(name));
    if (it == functions_.end()) return nullptr;
    const auto* callee = (*it).second.as<ir::RelaxFunctionNode>();
    return callee != nullptr && FindAttr(callee, kBlockAttr) ? callee : nullptr;
  }

  bool HasCalls(const ir::BindingBlock& block) const {
    for (const ir::Binding& binding : block->bindings()) {
      if (CalleeOf(binding) != nullptr) return true;
    }
    return false;
  }

  ir::BindingBlock Rebuild(const ir::BindingBlock& block) {
    const bool dataflow = block.as<ir::DataflowBlockNode>() != nullptr;
    ir::Array<ir::Binding> bindings;
    for (const ir::Binding& binding : block->bindings()) {
      if (const ir::RelaxFunctionNode* callee = CalleeOf(binding)) {
        const auto* call = BoundValue(binding.get()).as<ir::CallNode>();
        Splice(callee, call, binding->var(), dataflow, &bindings);
      } else {
        bindings.push_back(binding);
      }
    }
    return dataflow ? ir::MakeDataflowBlock(bindings) : ir::MakeBindingBlock(bindings);
  }

  // Appends the body of `callee`; what it returns is bound to `result`, the caller's variable.
  void Splice(const ir::RelaxFunctionNode* callee, const ir::CallNode* call, const ir::Var& result,
              bool dataflow, ir::Array<ir::Binding>* bindings) const {
    Substitution substitution = BindParams(callee, call);
    const Expr& returned = callee->body()->body();
    bool bound = false;
    for (const ir::BindingBlock& block : callee->body()->blocks()) {
      const bool pure = !dataflow || block.as<ir::DataflowBlockNode>();
      for (const ir::Binding& binding : block->bindings()) {
        if (!pure || !binding.as<ir::VarBindingNode>()) Refuse(call);
        const ir::Var& var = binding->var();
        const Expr value = substitution(BoundValue(binding.get()));
        const bool is_result = var.same_as(returned);
        const ir::Var fresh = is_result ? result : Fresh(var, substitution(var->ty()), dataflow);
        substitution.Set(var.get(), fresh);
        bindings->push_back(ir::MakeVarBinding(fresh, value));
        bound = bound || is_result;
      }
    }
    if (!bound) bindings->push_back(ir::MakeVarBinding(result, substitution(returned)));
  }

  static ir::Var Fresh(const ir::Var& var, const ir::Type& type, bool dataflow) {
    return dataflow ? ir::MakeDataflowVar(var->name(), type) : ir::MakeVar(var->name(), type);
  }

  // Parameters stand for arguments, and the extents that parameters name for those of arguments.
  static Substitution BindParams(const ir::RelaxFunctionNode* callee, const ir::CallNode* call) {
    Substitution substitution;
    for (size_t i = 0; i < callee->params().size(); ++i) {
      const ir::Var& param = callee->params()[i];
      const Expr& arg = call->args()[i];
      const ir::Array<Expr> names = Extents(param->ty());
      const auto* shape = arg.as<ir::ShapeExprNode>();
      const ir::Array<Expr> extents = shape != nullptr ? shape->values() : Extents(arg->ty());
      for (size_t axis = 0; axis < names.size() && axis < extents.size(); ++axis) {
        if (!names[axis].as<ir::VarNode>() || substitution.Has(names[axis].get())) continue;
        substitution.Set(names[axis].get(), extents[axis]);
        substitution.set_symbolic(true);
      }
      substitution.Set(param.get(), arg);
    }
    return substitution;
  }

  [[noreturn]] static void Refuse(const ir::CallNode* call) {
    TVM_FFI_THROW(ValueError) << "The block `" << call->op().as<ir::GlobalVarNode>()->name_hint()
                              << "` binds variables outside dataflow blocks, or by match_cast, and "
                              << "cannot be inlined into one. Run InlineBlocks before the passes "
                              << "that leave dataflow form.";
  }

  ir::IRModuleNode::Functions functions_;
};

}  // namespace

ir::IRModule InlineBlocks(const ir::IRModule& module) {
  Inliner inliner(module);
  ir::IRModuleNode::Functions functions;
  for (const auto& [name, function] : module->functions()) {
    const auto* relax = function.as<ir::RelaxFunctionNode>();
    if (relax == nullptr) {
      functions.Set(name, function);
    } else if (!FindAttr(relax, kBlockAttr)) {
      functions.Set(name, inliner.Run(ffi::GetRef<ir::RelaxFunction>(relax)));
    }
  }
  return functions.size() == module->functions().size() ? module
                                                        : ir::WithFunctions(module, functions);
}

}  // namespace cosearch::blocks
