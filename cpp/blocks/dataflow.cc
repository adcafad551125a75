#include "blocks/dataflow.h"

#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/structural_visit.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_set>

namespace cosearch::blocks {
namespace {

using ir::Expr;
using ir::VarNode;

// Values that nothing but a control-flow value (a branch, a closure) reads.
void VisitNested(const Expr& expr, const std::function<void(const VarNode*)>& visit) {
  namespace ffi = ir::ffi;
  auto skip = [](const auto&) -> ffi::Expected<ffi::WalkResult> { return ffi::WalkResult::Skip(); };
  ffi::StructuralWalk<ffi::WalkOrder::kPreOrder>(
      ffi::AnyView(expr),
      [&](const ir::Var& var) -> ffi::Expected<ffi::WalkResult> {
        visit(var.get());
        return ffi::WalkResult::Skip();
      },
      [&](const ir::Constant& constant) { return skip(constant); },
      [&](const ir::Type& type) { return skip(type); },
      [&](const ir::ShapeExpr& shape) { return skip(shape); },
      [&](const ir::Attrs& attrs) { return skip(attrs); });
}

double HalfToDouble(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const double fraction = (bits & 1023) / 1024.0;
  double magnitude;
  if (exponent == 31) {
    magnitude = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, -14);
  } else {
    magnitude = std::ldexp(1 + fraction, exponent - 15);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

template <typename T>
double Load(const void* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return static_cast<double>(value);
}

std::optional<double> LoadScalar(const void* data, DLDataType dtype) {
  switch (dtype.code * 1000 + dtype.bits) {
    case kDLFloat * 1000 + 64:
      return Load<double>(data);
    case kDLFloat * 1000 + 32:
      return Load<float>(data);
    case kDLFloat * 1000 + 16: {
      uint16_t bits;
      std::memcpy(&bits, data, sizeof(bits));
      return HalfToDouble(bits);
    }
    case kDLBfloat * 1000 + 16: {
      uint16_t bits;
      std::memcpy(&bits, data, sizeof(bits));
      const uint32_t widened = static_cast<uint32_t>(bits) << 16;
      return Load<float>(&widened);
    }
    case kDLInt * 1000 + 64:
      return Load<int64_t>(data);
    case kDLInt * 1000 + 32:
      return Load<int32_t>(data);
    case kDLInt * 1000 + 16:
      return Load<int16_t>(data);
    case kDLInt * 1000 + 8:
      return Load<int8_t>(data);
    case kDLUInt * 1000 + 64:
      return Load<uint64_t>(data);
    case kDLUInt * 1000 + 32:
      return Load<uint32_t>(data);
    case kDLUInt * 1000 + 16:
      return Load<uint16_t>(data);
    case kDLUInt * 1000 + 8:
    case kDLBool * 1000 + 8:
      return Load<uint8_t>(data);
    default:
      return std::nullopt;
  }
}

}  // namespace

const Expr& BoundValue(const ir::BindingNode* binding) {
  if (const auto* var_binding = ir::As<ir::VarBindingNode>(binding)) return var_binding->value();
  return static_cast<const ir::MatchCastNode*>(binding)->value();
}

void VisitValues(const Expr& expr, const std::function<void(const VarNode*)>& visit) {
  if (const auto* var = expr.as<VarNode>()) {
    visit(var);
  } else if (const auto* call = expr.as<ir::CallNode>()) {
    if (!call->op().as<ir::OpNode>()) VisitValues(call->op(), visit);
    for (const Expr& arg : call->args()) VisitValues(arg, visit);
  } else if (const auto* tuple = expr.as<ir::TupleNode>()) {
    for (const Expr& field : tuple->fields()) VisitValues(field, visit);
  } else if (const auto* get = expr.as<ir::TupleGetItemNode>()) {
    VisitValues(get->tuple_value(), visit);
  } else if (!expr.as<ir::ConstantNode>() && !expr.as<ir::ShapeExprNode>() &&
             !expr.as<ir::GlobalVarNode>() && !expr.as<ir::ExternFuncNode>()) {
    VisitNested(expr, visit);
  }
}

std::vector<const ir::BindingNode*> CanonicalOrder(const Definitions& definitions,
                                                   const std::vector<Expr>& roots) {
  std::vector<const ir::BindingNode*> order;
  std::unordered_set<const VarNode*> expanded, done;
  std::vector<const VarNode*> stack, operands;
  auto push = [&](const Expr& expr) {
    operands.clear();
    VisitValues(expr, [&](const VarNode* var) {
      if (definitions.count(var) && !done.count(var)) operands.push_back(var);
    });
    stack.insert(stack.end(), operands.rbegin(), operands.rend());
  };
  for (const Expr& root : roots) {
    push(root);
    while (!stack.empty()) {
      const VarNode* var = stack.back();
      if (expanded.insert(var).second) {
        push(BoundValue(definitions.at(var)));
        continue;
      }
      stack.pop_back();
      if (done.insert(var).second) order.push_back(definitions.at(var));
    }
  }
  return order;
}

bool IsTensorConstant(const Expr& expr) {
  if (!expr.as<ir::GenericConstNode>()) return false;
  const auto* type = expr->ty().as<ir::TensorTypeNode>();
  return type != nullptr && type->ndim() > 0;
}

std::optional<double> ScalarConstant(const Expr& expr) {
  const auto* constant = expr.as<ir::GenericConstNode>();
  if (constant == nullptr) return std::nullopt;
  auto tensor = constant->value().try_cast<ir::ffi::Tensor>();
  if (!tensor.has_value() || tensor->ndim() != 0 || tensor->device().device_type != kDLCPU) {
    return std::nullopt;
  }
  const char* data = static_cast<const char*>(tensor->data_ptr()) + tensor->byte_offset();
  return LoadScalar(data, tensor->dtype());
}

std::optional<std::vector<int64_t>> StaticShape(const ir::Type& type) {
  const auto* tensor = type.as<ir::TensorTypeNode>();
  if (tensor == nullptr || !tensor->shape().has_value()) return std::nullopt;
  const auto* shape = tensor->shape().value().as<ir::ShapeExprNode>();
  if (shape == nullptr) return std::nullopt;
  std::vector<int64_t> extents;
  extents.reserve(shape->values().size());
  for (const Expr& extent : shape->values()) {
    const auto* literal = extent.as<ir::IntImmNode>();
    extents.push_back(literal != nullptr ? static_cast<int64_t>(literal->value()) : -1);
  }
  return extents;
}

int64_t NumInput(const ir::RelaxFunctionNode* function) {
  const auto total = static_cast<int64_t>(function->params().size());
  std::optional<ir::Any> attr = FindAttr(function, "num_input");
  if (!attr.has_value()) return total;
  if (auto number = attr->try_cast<int64_t>()) return std::min(*number, total);
  const auto* literal = attr->as<ir::IntImmNode>();
  return literal != nullptr ? std::min(static_cast<int64_t>(literal->value()), total) : total;
}

std::optional<ir::Any> FindAttr(const ir::BaseFuncNode* function, const char* key) {
  if (!function->attrs().defined()) return std::nullopt;
  const auto& dict = function->attrs()->dict();
  auto it = dict.find(key);
  if (it == dict.end()) return std::nullopt;
  return (*it).second;
}

}  // namespace cosearch::blocks
