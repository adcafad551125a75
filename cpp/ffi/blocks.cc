#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

#include "blocks/block_signature.h"
#include "blocks/describe_blocks.h"
#include "blocks/inline_blocks.h"
#include "blocks/lift_blocks.h"
#include "blocks/op_graph.h"
#include "blocks/workload_signature.h"
#include "ffi/checked.h"
#include "ir/build.h"

namespace cosearch {
namespace {

namespace ffi = tvm::ffi;

constexpr const char* kPatternsConfig = "relax.cosearch.patterns";

ffi::Array<ffi::String> ToHex(const blocks::Signature& signature) {
  return {signature.shape_aware.Hex(), signature.shape_agnostic.Hex()};
}

ffi::Array<ffi::String> BlockSignature(const ir::RelaxFunction& function,
                                       const ffi::Optional<ir::IRModule>& module) {
  if (!module.has_value()) return ToHex(blocks::SignFunction(function.get(), nullptr));
  const blocks::SiteFinder finder(module.value(), {});
  return ToHex(blocks::SignFunction(function.get(), finder.callee()));
}

ffi::Array<ffi::String> WorkloadSignature(const ir::PrimFunc& function) {
  return ToHex(blocks::SignWorkload(function.get()));
}

std::vector<std::string> ToStrings(const ffi::Array<ffi::String>& names) {
  return {names.begin(), names.end()};
}

// What the caller chose, or else what the pass context's config says, or else all.
std::vector<std::string> ChoosePatterns(const ffi::Optional<ffi::Array<ffi::String>>& chosen,
                                        const ir::PassContext& context) {
  if (chosen.has_value()) return ToStrings(chosen.value());
  const auto& config = context->config();
  auto it = config.find(kPatternsConfig);
  if (it == config.end()) return blocks::PatternNames();
  return ToStrings((*it).second.cast<ffi::Array<ffi::String>>());
}

ffi::ObjectRef LiftBlocks(int64_t opt_level,
                          const ffi::Optional<ffi::Array<ffi::String>>& patterns) {
  return ir::MakeModulePass(
      "cosearch.blocks.LiftBlocks", static_cast<int>(opt_level),
      [patterns](const ir::IRModule& module, const ir::PassContext& context) {
        return Checked(
            [&] { return blocks::LiftBlocks(module, ChoosePatterns(patterns, context)); });
      });
}

ffi::ObjectRef InlineBlocks(int64_t opt_level) {
  return ir::MakeModulePass("cosearch.blocks.InlineBlocks", static_cast<int>(opt_level),
                            [](const ir::IRModule& module, const ir::PassContext&) {
                              return blocks::InlineBlocks(module);
                            });
}

ffi::Array<ffi::Any> FindBlocks(const ir::IRModule& module,
                                const ffi::Optional<ffi::Array<ffi::String>>& patterns) {
  return Checked([&] {
    return blocks::DescribeBlocks(
        module, patterns.has_value() ? ToStrings(patterns.value()) : blocks::PatternNames());
  });
}

ffi::Array<ffi::String> PatternNames() {
  ffi::Array<ffi::String> names;
  for (const std::string& name : blocks::PatternNames()) names.push_back(name);
  return names;
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  ffi::reflection::GlobalDef()
      .def("cosearch.blocks.BlockSignature", BlockSignature)
      .def("cosearch.blocks.WorkloadSignature", WorkloadSignature)
      .def("cosearch.blocks.FindBlocks", FindBlocks)
      .def("cosearch.blocks.PatternNames", PatternNames)
      .def("cosearch.blocks.LiftBlocks", LiftBlocks)
      .def("cosearch.blocks.InlineBlocks", InlineBlocks);
}

}  // namespace cosearch
