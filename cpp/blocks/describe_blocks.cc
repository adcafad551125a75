#include "blocks/describe_blocks.h"

#include "blocks/dataflow.h"

namespace cosearch::blocks {
namespace {

namespace ffi = ir::ffi;
using Description = ir::Map<ir::String, ir::Any>;

ir::Array<int64_t> ShapeOf(const ir::Type& type) {
  ir::Array<int64_t> shape;
  for (int64_t extent : StaticShape(type).value_or(std::vector<int64_t>{})) shape.push_back(extent);
  return shape;
}

std::string OpName(const ir::BindingNode* binding) {
  const ir::Expr& value = BoundValue(binding);
  if (const auto* call = value.as<ir::CallNode>()) {
    if (const auto* op = call->op().as<ir::OpNode>()) return op->name();
    if (const auto* callee = call->op().as<ir::GlobalVarNode>()) return callee->name_hint();
  }
  if (value.as<ir::TupleNode>()) return "tuple";
  if (value.as<ir::TupleGetItemNode>()) return "get_item";
  return "alias";
}

ir::Array<ir::String> OpNames(const ir::RelaxFunctionNode* function) {
  ir::Array<ir::String> names;
  for (const ir::BindingBlock& block : function->body()->blocks()) {
    for (const ir::Binding& binding : block->bindings()) names.push_back(OpName(binding.get()));
  }
  return names;
}

Description Describe(const std::string& pattern, const std::string& mark, int64_t stage,
                     int64_t position, const std::string& signature,
                     const std::string& signature_agnostic) {
  Description block;
  block.Set("pattern", ir::String(pattern));
  block.Set("name", ir::String(BlockName(pattern, signature)));
  block.Set("mark", ir::String(mark));
  block.Set("stage", stage);
  block.Set("position", position);
  block.Set("signature", ir::String(signature));
  block.Set("signature_agnostic", ir::String(signature_agnostic));
  return block;
}

Description DescribeLifted(const BlockSite& site, int64_t position) {
  const ir::RelaxFunctionNode* function = site.lifted.get();
  auto text = [&](const char* key) -> std::string {
    const std::optional<ir::Any> attr = FindAttr(function, key);
    return attr.has_value() ? std::string(attr->cast<ir::String>()) : std::string();
  };
  const std::optional<ir::Any> stage = FindAttr(function, kStageAttr);
  Description block =
      Describe(text(kBlockAttr), text(kMarkAttr), stage.has_value() ? stage->cast<int64_t>() : 0,
               position, text(kSignatureAttr), text(kAgnosticAttr));
  block.Set("name", site.call->op().as<ir::GlobalVarNode>()->name_hint());
  block.Set("ops", OpNames(function));
  ir::Array<ir::Any> inputs;
  for (int64_t i = 0; i < NumInput(function); ++i) {
    inputs.push_back(ShapeOf(function->params()[i]->ty()));
  }
  block.Set("input_shapes", inputs);
  block.Set("output_shape", ShapeOf(function->ret_ty()));
  const std::optional<ir::Any> children = FindAttr(function, kChildrenAttr);
  block.Set("children", children.has_value() ? *children : ir::Any(ir::Array<ir::Any>()));
  return block;
}

}  // namespace

Description DescribeSite(const BlockSite& site, int64_t position) {
  if (site.lifted.defined()) return DescribeLifted(site, position);
  const CanonicalRegion& region = site.region.front();
  Description block =
      Describe(site.pattern, site.mark, site.stage, position, region.signature().shape_aware.Hex(),
               region.signature().shape_agnostic.Hex());
  ir::Array<ir::String> ops;
  for (const ir::BindingNode* binding : region.order()) ops.push_back(OpName(binding));
  block.Set("ops", ops);
  ir::Array<ir::Any> inputs;
  for (int64_t i = 0; i < region.num_input(); ++i)
    inputs.push_back(ShapeOf(region.args()[i]->ty()));
  block.Set("input_shapes", inputs);
  block.Set("output_shape", ShapeOf(region.exit()->ty()));
  ir::Array<ir::Any> children;
  for (const BlockSite& child : site.children) {
    children.push_back(DescribeSite(child, static_cast<int64_t>(children.size())));
  }
  block.Set("children", children);
  return block;
}

ir::Array<ir::Any> DescribeBlocks(const ir::IRModule& module, std::vector<std::string> patterns) {
  const SiteFinder finder(module, std::move(patterns));
  ir::Array<ir::Any> blocks;
  for (const ir::GlobalVar& name : finder.Networks()) {
    const auto* network = module->functions()[name].as<ir::RelaxFunctionNode>();
    for (const BlockSite& site : finder.Find(network)) {
      blocks.push_back(DescribeSite(site, static_cast<int64_t>(blocks.size())));
    }
  }
  return blocks;
}

}  // namespace cosearch::blocks
