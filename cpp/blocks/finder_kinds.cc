#include "finder_kinds.h"

#include <string>
#include <unordered_map>

namespace cosearch::blocks {
namespace {

/*! \brief Kinds of ops that the name alone tells; elementwise binary ops are told apart later. */
const std::unordered_map<std::string, Kind>& KindsByName() {
  static const auto* table = [] {
    auto* map = new std::unordered_map<std::string, Kind>;
    auto add = [map](Kind kind, std::initializer_list<const char*> names) {
      for (const char* name : names) map->emplace(name, kind);
    };
    add(Kind::kConv, {"nn.conv1d", "nn.conv2d", "nn.conv3d", "nn.conv1d_transpose",
                      "nn.conv2d_transpose", "nn.conv3d_transpose"});
    add(Kind::kDense, {"matmul", "nn.linear"});
    add(Kind::kNorm,
        {"nn.batch_norm", "nn.layer_norm", "nn.group_norm", "nn.instance_norm", "nn.rms_norm"});
    add(Kind::kAffine, {"add", "subtract", "multiply", "divide", "negative"});
    add(Kind::kIdentity,
        {"alias", "astype", "match_cast", "nn.dropout", "wrap_param", "to_vdevice"});
    add(Kind::kActivation,
        {"nn.relu",      "nn.leakyrelu", "nn.prelu", "nn.silu",   "nn.gelu",      "nn.gelu_tanh",
         "nn.selu",      "nn.softplus",  "sigmoid",  "tanh",      "clip",         "maximum",
         "minimum",      "exp",          "log",      "erf",       "sqrt",         "rsqrt",
         "square",       "abs",          "sign",     "floor",     "ceil",         "round",
         "trunc",        "sin",          "cos",      "sinh",      "cosh",         "power",
         "isnan",        "isinf",        "isfinite", "where",     "greater",      "greater_equal",
         "less",         "less_equal",   "equal",    "not_equal", "logical_and",  "logical_or",
         "logical_not",  "nn.elu",       "nn.celu",  "nn.mish",   "nn.hardswish", "nn.hardsigmoid",
         "floor_divide", "mod"});
    add(Kind::kConcat, {"concat", "stack"});
    add(Kind::kPool, {"nn.max_pool1d", "nn.max_pool2d", "nn.max_pool3d", "nn.avg_pool1d",
                      "nn.avg_pool2d", "nn.avg_pool3d", "nn.adaptive_avg_pool1d",
                      "nn.adaptive_avg_pool2d", "nn.adaptive_avg_pool3d"});
    add(Kind::kGlobalPool, {"mean", "sum", "max", "min", "prod", "std", "variance"});
    add(Kind::kPad, {"nn.pad"});
    add(Kind::kRearrange,
        {"reshape", "permute_dims", "squeeze", "expand_dims", "flatten", "nn.batch_flatten",
         "strided_slice", "take", "layout_transform", "broadcast_to", "memory.view", "flip"});
    add(Kind::kSplit, {"split"});
    return map;
  }();
  return *table;
}

const std::string& Unqualified(const std::string& name, std::string* storage) {
  constexpr char kPrefix[] = "relax.";
  constexpr size_t kLength = sizeof(kPrefix) - 1;
  if (name.compare(0, kLength, kPrefix) != 0) return name;
  return *storage = name.substr(kLength);
}

bool IsElementwiseJoin(Kind kind) { return kind == Kind::kAffine || kind == Kind::kActivation; }

Kind ClassifyItem(const Op* producer) {
  if (producer == nullptr) return Kind::kRearrange;
  std::string storage;
  const std::string& name = Unqualified(producer->name, &storage);
  return name == "nn.batch_norm" || name == "nn.dropout" ? Kind::kIdentity : Kind::kRearrange;
}

}  // namespace

bool IsTupleValued(const Op& op) {
  std::string storage;
  const std::string& name = Unqualified(op.name, &storage);
  return name == "split" || name == "tuple" || name == "nn.batch_norm" || name == "nn.dropout" ||
         name == "topk";
}

Kind Classify(const Op& op, int num_data, const Op* producer) {
  if (num_data == 0) return Kind::kConstant;
  std::string storage;
  const std::string& name = Unqualified(op.name, &storage);
  if (name == "get_item") return ClassifyItem(producer);
  if (name == "call") return Kind::kCall;
  const auto& kinds = KindsByName();
  auto it = kinds.find(name);
  if (it == kinds.end()) return Kind::kOther;
  Kind kind = it->second;
  if (kind == Kind::kDense && num_data > 1) return Kind::kOther;
  if (kind == Kind::kConcat && num_data == 1) return Kind::kPad;  // zeros joined to a shortcut
  if (IsElementwiseJoin(kind) && (num_data > 1 || (name == "add" && op.inputs.size() > 1))) {
    if (name == "add") return Kind::kAdd;
    return name == "multiply" ? Kind::kMultiply : Kind::kOther;
  }
  if (kind == Kind::kAffine && num_data == 1 && op.inputs.size() > 1 && op.num_weights == 0 &&
      op.scalars.empty()) {
    return Kind::kActivation;  // x * x
  }
  if (kind == Kind::kPool && op.height_axis >= 0 &&
      op.height_axis < static_cast<int>(op.shape.size()) && op.shape[op.height_axis] == 1 &&
      producer != nullptr && op.height_axis < static_cast<int>(producer->shape.size()) &&
      producer->shape[op.height_axis] != 1) {
    return Kind::kGlobalPool;
  }
  return kind;
}

}  // namespace cosearch::blocks
