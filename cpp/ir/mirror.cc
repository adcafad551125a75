#include "ir/mirror.h"

#include <tvm/ffi/c_api.h>

#include <cstring>
#include <string>
#include <string_view>

namespace cosearch::ir {
namespace {

constexpr const char* kBuiltFor =
    " This release of cosearch was built for apache-tvm 0.27.0.post1: install that version.";

const TVMFFITypeInfo* FindType(std::string_view key) {
  TVMFFIByteArray name{key.data(), key.size()};
  int32_t index = -1;
  if (TVMFFITypeKeyToIndex(&name, &index) != 0) {
    TVMFFIObjectHandle ignored = nullptr;
    TVMFFIErrorMoveFromRaised(&ignored);
    if (ignored != nullptr) TVMFFIObjectDecRef(ignored);
    return nullptr;
  }
  return TVMFFIGetTypeInfo(index);
}

const TVMFFIFieldInfo* FindField(const TVMFFITypeInfo* type, std::string_view name) {
  for (int32_t i = 0; i < type->num_fields; ++i) {
    const TVMFFIFieldInfo& field = type->fields[i];
    if (std::string_view(field.name.data, field.name.size) == name) return &field;
  }
  return nullptr;
}

void CheckType(const Expectation& expected, const TVMFFITypeInfo* type) {
  if (type->type_depth != expected.depth_or_size) {
    TVM_FFI_THROW(RuntimeError) << "TVM's type `" << expected.type_key << "` is at depth "
                                << type->type_depth << " of the type tree, where depth "
                                << expected.depth_or_size << " was expected." << kBuiltFor;
  }
  if (expected.resolved != nullptr) *expected.resolved = type->type_index;
}

void CheckField(const Expectation& expected, const TVMFFITypeInfo* type) {
  const TVMFFIFieldInfo* field = FindField(type, expected.field);
  if (field == nullptr) {
    TVM_FFI_THROW(RuntimeError) << "TVM's type `" << expected.type_key << "` has no field `"
                                << expected.field << "`." << kBuiltFor;
  }
  if (field->size != expected.depth_or_size ||
      field->field_static_type_index != expected.static_type_index) {
    TVM_FFI_THROW(RuntimeError) << "TVM's field `" << expected.type_key << "." << expected.field
                                << "` has " << field->size << " bytes of static type "
                                << field->field_static_type_index << ", where "
                                << expected.depth_or_size << " bytes of static type "
                                << expected.static_type_index << " were expected." << kBuiltFor;
  }
  if (expected.resolved != nullptr) *expected.resolved = static_cast<int32_t>(field->offset);
}

}  // namespace

std::vector<Expectation>& Expectations() {
  static std::vector<Expectation> expectations;
  return expectations;
}

void Check(const Expectation& expectation) {
  const TVMFFITypeInfo* type = FindType(expectation.type_key);
  if (type == nullptr) {
    TVM_FFI_THROW(RuntimeError) << "TVM has no type `" << expectation.type_key << "`." << kBuiltFor;
  }
  if (expectation.field == nullptr) {
    CheckType(expectation, type);
  } else {
    CheckField(expectation, type);
  }
}

void Init() {
  static const bool done = [] {
    for (const Expectation& expectation : Expectations()) Check(expectation);
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace cosearch::ir
