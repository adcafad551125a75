#include "blocks/lift_blocks.h"

#include <tvm/ffi/extra/structural_equal.h>

#include <map>
#include <set>

#include "blocks/block_sites.h"
#include "blocks/dataflow.h"
#include "blocks/describe_blocks.h"
#include "ir/build.h"

namespace cosearch::blocks {
namespace {

namespace ffi = ir::ffi;

// A block function in the making, with the places that call it.
struct BlockFunction {
  ir::GlobalVar name;
  ir::RelaxFunction function;
  ir::Map<ir::String, ir::Any> attrs;
  ir::Array<int64_t> positions;
};

class Lifter {
 public:
  Lifter(const ir::IRModule& module, const std::vector<std::string>& patterns)
      : module_(module), finder_(module, patterns), functions_(module->functions()) {
    for (const auto& [name, function] : module->functions()) names_.insert(name->name_hint());
    if (module->attrs().defined()) {
      const auto& attrs = module->attrs()->dict();
      auto it = attrs.find(kModelAttr);
      if (it != attrs.end()) model_ = (*it).second.cast<ir::String>();
    }
  }

  ir::IRModule Run() {
    for (const ir::GlobalVar& name : finder_.Networks()) {
      const auto* network = module_->functions()[name].as<ir::RelaxFunctionNode>();
      const std::vector<BlockSite> sites = finder_.Find(network);
      if (sites.empty() || sites.front().lifted.defined()) continue;
      functions_.Set(name, LiftSites(ffi::GetRef<ir::RelaxFunction>(network), sites));
    }
    if (lifted_.empty()) return module_;
    for (BlockFunction& block : lifted_) {
      block.attrs.Set(kPositionsAttr, block.positions);
      functions_.Set(block.name, ir::WithAttrs(block.function, block.attrs));
    }
    DropMarkedFunctions();
    return ir::WithFunctions(module_, functions_);
  }

 private:
  ir::RelaxFunction LiftSites(const ir::RelaxFunction& network,
                              const std::vector<BlockSite>& sites) {
    ir::Array<ir::BindingBlock> blocks = network->body()->blocks();
    for (size_t i = 0; i < blocks.size(); ++i) {
      std::map<int, const BlockSite*> exits;
      std::set<int> moved;
      for (const BlockSite& site : sites) {
        if (site.binding_block != static_cast<int>(i)) continue;
        exits[site.place] = &site;
        moved.insert(site.places.begin(), site.places.end());
      }
      if (!exits.empty()) blocks.Set(i, Rebuild(blocks[i], exits, moved));
    }
    return ir::WithBody(network, blocks);
  }

  ir::BindingBlock Rebuild(const ir::BindingBlock& block,
                           const std::map<int, const BlockSite*>& exits,
                           const std::set<int>& moved) {
    ir::Array<ir::Binding> bindings;
    for (size_t i = 0; i < block->bindings().size(); ++i) {
      const int place = static_cast<int>(i);
      const ir::Binding& binding = block->bindings()[i];
      auto exit = exits.find(place);
      if (exit != exits.end()) {
        bindings.push_back(ir::MakeVarBinding(binding->var(), MakeCall(*exit->second, binding)));
      } else if (!moved.count(place)) {
        bindings.push_back(binding);
      }
    }
    return block.as<ir::DataflowBlockNode>() ? ir::MakeDataflowBlock(bindings)
                                             : ir::MakeBindingBlock(bindings);
  }

  ir::Expr MakeCall(const BlockSite& site, const ir::Binding& exit) {
    const CanonicalRegion& region = site.region.front();
    const ir::GlobalVar& callee = FunctionOf(site);
    return ir::MakeCall(exit->var()->ty(), callee, CallArgs(site, region), ir::Attrs(), {});
  }

  // A marked function's region is written in its own parameters: the call tells their values.
  ir::Array<ir::Expr> CallArgs(const BlockSite& site, const CanonicalRegion& region) const {
    if (!site.call.defined()) return region.args();
    const auto* name = site.call->op().as<ir::GlobalVarNode>();
    const ir::BaseFunc callee = module_->functions()[ffi::GetRef<ir::GlobalVar>(name)];
    const ir::Array<ir::Var>& params = callee.as<ir::RelaxFunctionNode>()->params();
    ir::Array<ir::Expr> args;
    for (const ir::Expr& arg : region.args()) {
      ir::Expr value = arg;
      for (size_t i = 0; i < params.size(); ++i) {
        if (params[i].same_as(arg)) value = site.call->args()[i];
      }
      args.push_back(value);
    }
    return args;
  }

  // The function for a site: one that computes the same is shared. Signatures are hashes, so that
  // equal ones are confirmed by structural equality.
  const ir::GlobalVar& FunctionOf(const BlockSite& site) {
    const CanonicalRegion& region = site.region.front();
    const std::string signature = region.signature().shape_aware.Hex();
    const ir::RelaxFunction function = region.ToFunction();
    std::vector<size_t>& candidates = by_signature_[signature];
    for (size_t candidate : candidates) {
      BlockFunction& block = lifted_[candidate];
      if (block.attrs.at(kBlockAttr).cast<ir::String>() == ir::String(site.pattern) &&
          block.attrs.at(kNumInputAttr).cast<int64_t>() == region.num_input() &&
          ffi::StructuralEqual::Equal(block.function, function, /*map_free_vars=*/false)) {
        block.positions.push_back(next_position_++);
        return block.name;
      }
    }
    BlockFunction block;
    block.name = ir::MakeGlobalVar(UniqueName(BlockName(site.pattern, signature)), function);
    block.function = function;
    block.attrs = AttrsOf(site);
    block.positions.push_back(next_position_++);
    candidates.push_back(lifted_.size());
    lifted_.push_back(std::move(block));
    return lifted_.back().name;
  }

  ir::Map<ir::String, ir::Any> AttrsOf(const BlockSite& site) const {
    const CanonicalRegion& region = site.region.front();
    ir::Map<ir::String, ir::Any> attrs;
    attrs.Set(kBlockAttr, ir::String(site.pattern));
    attrs.Set(kSignatureAttr, ir::String(region.signature().shape_aware.Hex()));
    attrs.Set(kAgnosticAttr, ir::String(region.signature().shape_agnostic.Hex()));
    attrs.Set(kStageAttr, static_cast<int64_t>(site.stage));
    attrs.Set(kModelAttr, ir::String(model_));
    attrs.Set(kNumInputAttr, region.num_input());
    if (!site.mark.empty()) attrs.Set(kMarkAttr, ir::String(site.mark));
    ir::Array<ir::Any> children;
    for (const BlockSite& child : site.children) {
      children.push_back(DescribeSite(child, static_cast<int64_t>(children.size())));
    }
    attrs.Set(kChildrenAttr, children);
    return attrs;
  }

  std::string UniqueName(const std::string& name) {
    std::string unique = name;
    for (int i = 1; !names_.insert(unique).second; ++i) unique = name + "_" + std::to_string(i);
    return unique;
  }

  // Marked functions whose every call became a call to a block are no longer needed.
  void DropMarkedFunctions() {
    std::vector<ir::GlobalVar> marked;
    for (const auto& [name, function] : module_->functions()) {
      const auto* relax = function.as<ir::RelaxFunctionNode>();
      if (relax != nullptr && FindAttr(relax, kMarkAttr) && !FindAttr(relax, kBlockAttr) &&
          !FindAttr(relax, "global_symbol")) {
        marked.push_back(name);
      }
    }
    if (marked.empty()) return;
    std::set<const ir::Object*> used;
    for (const auto& [name, function] : functions_) {
      const auto* relax = function.as<ir::RelaxFunctionNode>();
      if (relax != nullptr) ir::CollectGlobalVars(relax, &used);
    }
    for (const ir::GlobalVar& name : marked) {
      if (!used.count(name.get())) functions_.erase(name);
    }
  }

  ir::IRModule module_;
  SiteFinder finder_;
  ir::IRModuleNode::Functions functions_;
  std::set<std::string> names_;
  std::string model_;
  /*! \brief In the order of their first sites. */
  std::vector<BlockFunction> lifted_;
  std::map<std::string, std::vector<size_t>> by_signature_;
  int64_t next_position_ = 0;
};

}  // namespace

ir::IRModule LiftBlocks(const ir::IRModule& module, const std::vector<std::string>& patterns) {
  return Lifter(module, patterns).Run();
}

}  // namespace cosearch::blocks
