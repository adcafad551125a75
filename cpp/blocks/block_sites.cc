#include "blocks/block_sites.h"

#include <algorithm>
#include <map>
#include <memory>

#include "blocks/dataflow.h"
#include "blocks/workload_signature.h"

namespace cosearch::blocks {
namespace {

namespace ffi = ir::ffi;

// Signatures of the functions of a module, each computed when it is first asked for.
class ModuleSignatures {
 public:
  explicit ModuleSignatures(const ir::IRModule& module) : module_(module) {}

  std::optional<Signature> Of(const ir::GlobalVarNode* name) {
    auto known = cache_.find(name);
    if (known != cache_.end()) return known->second;
    // A recursive call counts by name.
    cache_.emplace(name, std::nullopt);
    auto it = module_->functions().find(ffi::GetRef<ir::GlobalVar>(name));
    if (it == module_->functions().end()) return std::nullopt;
    const ir::BaseFunc function = (*it).second;
    std::optional<Signature> signature;
    if (const auto* kernel = function.as<ir::PrimFuncNode>()) {
      signature = SignWorkload(kernel);
    } else if (const auto* relax = function.as<ir::RelaxFunctionNode>()) {
      signature = SignFunction(relax, [this](const ir::GlobalVarNode* n) { return Of(n); });
    }
    cache_[name] = signature;
    return signature;
  }

 private:
  ir::IRModule module_;
  std::map<const ir::GlobalVarNode*, std::optional<Signature>> cache_;
};

// The body of a function that the user marked, as a region whose operands are its parameters.
CanonicalRegion MarkedRegion(const ir::RelaxFunctionNode* function, const std::string& name,
                             const CalleeSignature& callee) {
  Outlining outlining;
  bool plain = function->is_pure();
  for (const ir::BindingBlock& block : function->body()->blocks()) {
    for (const ir::Binding& binding : block->bindings()) {
      outlining.bindings.push_back(binding.get());
      plain = plain && binding.as<ir::VarBindingNode>();
    }
  }
  const auto* exit = function->body()->body().as<ir::VarNode>();
  const bool bound =
      exit != nullptr &&
      std::any_of(outlining.bindings.begin(), outlining.bindings.end(),
                  [exit](const ir::BindingNode* binding) { return binding->var().get() == exit; });
  if (!bound || !plain) {
    TVM_FFI_THROW(ValueError) << "The function `" << name << "`, marked as a block by its `"
                              << kMarkAttr << "` attribute, cannot become one: it must be pure and "
                              << "return one of the variables that it binds, none of them by "
                              << "match_cast. Bind what it returns to a variable, or remove the "
                              << "mark.";
  }
  outlining.exit = ffi::GetRef<ir::Var>(exit);
  auto weights = std::make_shared<std::unordered_set<const ir::VarNode*>>();
  for (size_t i = NumInput(function); i < function->params().size(); ++i) {
    weights->insert(function->params()[i].get());
  }
  outlining.is_weight = [weights](const ir::VarNode* var) { return weights->count(var) != 0; };
  outlining.callee = callee;
  return CanonicalRegion(std::move(outlining));
}

// Turns regions of one dataflow block into sites.
class RegionReader {
 public:
  RegionReader(const BlockGraph& block, int binding_block, const CalleeSignature& callee)
      : block_(block), binding_block_(binding_block), callee_(callee) {
    const OpGraph& graph = block.graph;
    users_.resize(graph.ops.size());
    for (size_t i = 0; i < graph.ops.size(); ++i) {
      for (int input : graph.ops[i].inputs) {
        if (input >= graph.num_inputs) users_[input - graph.num_inputs].push_back(i);
      }
    }
    escapes_.resize(graph.ops.size());
    for (int output : graph.outputs) escapes_[output - graph.num_inputs] = true;
    weights_ = std::make_shared<std::unordered_set<const ir::VarNode*>>(block.weights);
  }

  // A region that cannot be a function of its own makes way for what is inside it.
  void Read(const Region& region, std::vector<BlockSite>* sites) const {
    if (!IsClosed(region) || !IsLiftable(region)) {
      for (const Region& child : region.children) Read(child, sites);
      return;
    }
    BlockSite site;
    site.binding_block = binding_block_;
    site.pattern = region.pattern;
    site.stage = region.stage;
    site.place = block_.places[region.ops.back()];
    site.mark = block_.graph.ops[region.ops.back()].mark;
    site.region.push_back(Canonical(region));
    for (int op : region.ops) site.places.push_back(block_.places[op]);
    for (const Region& child : region.children) Read(child, &site.children);
    sites->push_back(std::move(site));
  }

 private:
  // Nothing outside may read what the region computes on the way.
  bool IsClosed(const Region& region) const {
    for (int op : region.ops) {
      if (op == region.ops.back()) continue;
      if (escapes_[op]) return false;
      for (size_t user : users_[op]) {
        const int reader = static_cast<int>(user);
        if (!std::binary_search(region.ops.begin(), region.ops.end(), reader)) return false;
      }
    }
    return true;
  }

  // Calls stay where the caller can see them; a match_cast names extents for the rest as well.
  bool IsLiftable(const Region& region) const {
    return std::none_of(region.ops.begin(), region.ops.end(), [this](int op) {
      const std::string& name = block_.graph.ops[op].name;
      return name == "call" || name == "match_cast" || name == "other";
    });
  }

  CanonicalRegion Canonical(const Region& region) const {
    Outlining outlining;
    for (int op : region.ops) outlining.bindings.push_back(block_.bindings[op]);
    outlining.exit = outlining.bindings.back()->var();
    outlining.is_weight = [weights = weights_](const ir::VarNode* var) {
      return weights->count(var) != 0;
    };
    outlining.callee = callee_;
    return CanonicalRegion(std::move(outlining));
  }

  const BlockGraph& block_;
  int binding_block_;
  const CalleeSignature& callee_;
  std::vector<std::vector<size_t>> users_;
  std::vector<char> escapes_;
  std::shared_ptr<std::unordered_set<const ir::VarNode*>> weights_;
};

}  // namespace

SiteFinder::SiteFinder(const ir::IRModule& module, std::vector<std::string> patterns)
    : module_(module), patterns_(std::move(patterns)) {
  auto signatures = std::make_shared<ModuleSignatures>(module);
  callee_ = [signatures](const ir::GlobalVarNode* name) { return signatures->Of(name); };
}

bool SiteFinder::MarksEnabled() const {
  return std::find(patterns_.begin(), patterns_.end(), kMarkedPattern) != patterns_.end();
}

std::vector<ir::GlobalVar> SiteFinder::Networks() const {
  std::vector<ir::GlobalVar> names;
  for (const auto& [name, function] : module_->functions()) {
    const auto* relax = function.as<ir::RelaxFunctionNode>();
    if (relax == nullptr) continue;
    const bool taken = FindAttr(relax, kBlockAttr) || FindAttr(relax, "Primitive") ||
                       FindAttr(relax, "Codegen") || FindAttr(relax, "Composite") ||
                       (MarksEnabled() && FindAttr(relax, kMarkAttr));
    if (!taken) names.push_back(name);
  }
  std::sort(names.begin(), names.end(), [](const ir::GlobalVar& a, const ir::GlobalVar& b) {
    const bool first = a->name_hint() == "main", second = b->name_hint() == "main";
    return first != second ? first : std::string(a->name_hint()) < std::string(b->name_hint());
  });
  return names;
}

std::vector<BlockSite> SiteFinder::Find(const ir::RelaxFunctionNode* function) const {
  std::vector<BlockSite> sites;
  AddCallSites(function, &sites);
  const bool done = std::any_of(sites.begin(), sites.end(),
                                [](const BlockSite& site) { return site.lifted.defined(); });
  if (done) {
    sites.erase(std::remove_if(sites.begin(), sites.end(),
                               [](const BlockSite& site) { return !site.lifted.defined(); }),
                sites.end());
    return sites;
  }
  const ir::Array<ir::BindingBlock>& blocks = function->body()->blocks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].as<ir::DataflowBlockNode>()) AddRegions(function, static_cast<int>(i), &sites);
  }
  std::stable_sort(sites.begin(), sites.end(), [](const BlockSite& a, const BlockSite& b) {
    return std::make_pair(a.binding_block, a.place) < std::make_pair(b.binding_block, b.place);
  });
  return sites;
}

void SiteFinder::AddCallSites(const ir::RelaxFunctionNode* function,
                              std::vector<BlockSite>* sites) const {
  const ir::Array<ir::BindingBlock>& blocks = function->body()->blocks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    const ir::Array<ir::Binding>& bindings = blocks[i]->bindings();
    for (size_t place = 0; place < bindings.size(); ++place) {
      const auto* call = BoundValue(bindings[place].get()).as<ir::CallNode>();
      if (call == nullptr) continue;
      const auto* name = call->op().as<ir::GlobalVarNode>();
      if (name == nullptr) continue;
      auto it = module_->functions().find(ffi::GetRef<ir::GlobalVar>(name));
      if (it == module_->functions().end()) continue;
      const auto* callee = (*it).second.as<ir::RelaxFunctionNode>();
      if (callee == nullptr) continue;
      std::optional<BlockSite> site = CallSite(call, callee);
      if (!site.has_value()) continue;
      site->binding_block = static_cast<int>(i);
      site->place = static_cast<int>(place);
      site->places.push_back(site->place);
      sites->push_back(*std::move(site));
    }
  }
}

std::optional<BlockSite> SiteFinder::CallSite(const ir::CallNode* call,
                                              const ir::RelaxFunctionNode* callee) const {
  BlockSite site;
  site.call = ffi::GetRef<ir::Call>(call);
  if (FindAttr(callee, kBlockAttr)) {
    site.lifted = ffi::GetRef<ir::RelaxFunction>(callee);
    return site;
  }
  const std::optional<ir::Any> mark = FindAttr(callee, kMarkAttr);
  if (!mark.has_value() || !MarksEnabled()) return std::nullopt;
  site.pattern = kMarkedPattern;
  site.mark = mark->cast<ir::String>();
  const std::string name = call->op().as<ir::GlobalVarNode>()->name_hint();
  site.region.push_back(MarkedRegion(callee, name, callee_));
  for (size_t i = 0; i < callee->body()->blocks().size(); ++i) {
    if (callee->body()->blocks()[i].as<ir::DataflowBlockNode>()) {
      AddRegions(callee, static_cast<int>(i), &site.children);
    }
  }
  return site;
}

void SiteFinder::AddRegions(const ir::RelaxFunctionNode* function, int binding_block,
                            std::vector<BlockSite>* sites) const {
  if (patterns_.empty()) return;
  const ir::BindingBlock block = function->body()->blocks()[binding_block];
  const BlockGraph graph = BuildOpGraph(function, block.as<ir::DataflowBlockNode>());
  const RegionReader reader(graph, binding_block, callee_);
  for (const Region& region : FindBlocks(graph.graph, {patterns_})) reader.Read(region, sites);
}

std::string BlockName(const std::string& pattern, const std::string& signature) {
  return pattern + "_" + signature.substr(0, 8);
}

}  // namespace cosearch::blocks
