#include "ir/attrs.h"

#include <tvm/ffi/reflection/accessor.h>

#include <unordered_map>

namespace cosearch::ir {
namespace {

AttrMeaning MeaningOf(const std::string& name) {
  static const std::unordered_map<std::string, AttrMeaning> meanings = {
      {"out_dtype", AttrMeaning::kResultDType},
      {"data_layout", AttrMeaning::kDataLayout},
      {"layout", AttrMeaning::kDataLayout},
      {"out_layout", AttrMeaning::kOutLayout},
      {"axis", AttrMeaning::kAxis},
      {"axes", AttrMeaning::kAxis},
      {"padding", AttrMeaning::kPadding},
      {"output_padding", AttrMeaning::kPadding},
      {"pad_width", AttrMeaning::kPadding},
      {"pool_size", AttrMeaning::kUnit},
      {"output_size", AttrMeaning::kUnit},
      {"groups", AttrMeaning::kUnit},
      {"num_groups", AttrMeaning::kUnit},
      {"repeats", AttrMeaning::kExtent},
      {"depth", AttrMeaning::kExtent},
      {"k", AttrMeaning::kExtent},
      {"indices_or_sections", AttrMeaning::kExtent},
  };
  auto it = meanings.find(name);
  return it == meanings.end() ? AttrMeaning::kPlain : it->second;
}

const AttrField* FindField(const Object* attrs, const char* name) {
  for (const AttrField& field : AttrFields(attrs)) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

// The names above are read at run time, one class after the other; these stand for all of them, so
// that a TVM which renames one is refused at start-up.
struct Conv2DAttrsNode : public AttrsNode {
  COSEARCH_NODE("relax.attrs.Conv2DAttrs", AttrsNode);
  COSEARCH_FIELD(Array<Any>, strides);
  COSEARCH_FIELD(Array<Any>, padding);
  COSEARCH_FIELD(Array<Any>, dilation);
  COSEARCH_FIELD(int32_t, groups);
  COSEARCH_FIELD(String, data_layout);
  COSEARCH_FIELD(String, kernel_layout);
  COSEARCH_FIELD(String, out_layout);
  COSEARCH_FIELD(Any, out_dtype);
};

struct Pool2DAttrsNode : public AttrsNode {
  COSEARCH_NODE("relax.attrs.Pool2DAttrs", AttrsNode);
  COSEARCH_FIELD(Array<Any>, pool_size);
  COSEARCH_FIELD(Array<Any>, strides);
  COSEARCH_FIELD(Array<Any>, padding);
  COSEARCH_FIELD(String, layout);
  COSEARCH_FIELD(String, out_layout);
};

struct ConcatAttrsNode : public AttrsNode {
  COSEARCH_NODE("relax.attrs.ConcatAttrs", AttrsNode);
  COSEARCH_FIELD(Any, axis);
};

struct StatisticalAttrsNode : public AttrsNode {
  COSEARCH_NODE("relax.attrs.StatisticalAttrs", AttrsNode);
  COSEARCH_FIELD(Optional<Array<Any>>, axis);
  COSEARCH_FIELD(bool, keepdims);
};

}  // namespace

Any AttrField::Get(const Object* attrs) const {
  Any value;
  char* address = reinterpret_cast<char*>(const_cast<Object*>(attrs)) + info->offset;
  TVM_FFI_CHECK_SAFE_CALL(info->getter(address, reinterpret_cast<TVMFFIAny*>(&value)));
  return value;
}

const std::vector<AttrField>& AttrFields(const Object* attrs) {
  // Reflection answers the same for every object of a class.
  static thread_local std::unordered_map<int32_t, std::vector<AttrField>> cache;
  auto [it, inserted] = cache.try_emplace(attrs->type_index());
  if (inserted) {
    ffi::reflection::ForEachFieldInfo(TVMFFIGetTypeInfo(attrs->type_index()),
                                      [&fields = it->second](const TVMFFIFieldInfo* info) {
                                        std::string name(info->name.data, info->name.size);
                                        const AttrMeaning meaning = MeaningOf(name);
                                        fields.push_back({std::move(name), meaning, info});
                                      });
  }
  return it->second;
}

std::optional<int64_t> AsInt(const Any& value) {
  if (value.type_index() == ffi::TypeIndex::kTVMFFIInt) return value.cast<int64_t>();
  if (const auto* literal = value.as<IntImmNode>()) return static_cast<int64_t>(literal->value());
  return std::nullopt;
}

std::optional<std::vector<int64_t>> AsInts(const Any& value) {
  if (std::optional<int64_t> number = AsInt(value)) return std::vector<int64_t>{*number};
  auto array = value.try_cast<Array<Any>>();
  if (!array.has_value()) return std::nullopt;
  std::vector<int64_t> numbers;
  for (const Any& element : *array) {
    std::optional<int64_t> number = AsInt(element);
    if (!number.has_value()) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

std::vector<int64_t> IntsAttr(const Attrs& attrs, const char* name) {
  if (!attrs.defined()) return {};
  const AttrField* field = FindField(attrs.get(), name);
  if (field == nullptr) return {};
  return AsInts(field->Get(attrs.get())).value_or(std::vector<int64_t>{});
}

std::string StringAttr(const Attrs& attrs, const char* name) {
  if (!attrs.defined()) return "";
  const AttrField* field = FindField(attrs.get(), name);
  if (field == nullptr) return "";
  auto text = field->Get(attrs.get()).try_cast<String>();
  return text.has_value() ? std::string(text->data(), text->size()) : "";
}

WindowAttrs ReadWindowAttrs(const Attrs& attrs) {
  WindowAttrs window;
  if (!attrs.defined()) return window;
  window.kernel_layout = StringAttr(attrs, "kernel_layout");
  window.data_layout = StringAttr(attrs, window.IsConv() ? "data_layout" : "layout");
  if (window.data_layout.empty()) return window;
  window.strides = IntsAttr(attrs, "strides");
  window.pool_size = IntsAttr(attrs, "pool_size");
  const std::vector<int64_t> groups = IntsAttr(attrs, "groups");
  if (!groups.empty()) window.groups = groups[0];
  return window;
}

std::vector<int64_t> AxesOf(const Attrs& attrs) {
  std::vector<int64_t> axes = IntsAttr(attrs, "axis");
  return axes.empty() ? IntsAttr(attrs, "axes") : axes;
}

}  // namespace cosearch::ir
