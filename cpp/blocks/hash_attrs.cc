#include "blocks/hash_attrs.h"

#include <tvm/ffi/extra/structural_hash.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "ir/attrs.h"

namespace cosearch::blocks {
namespace {

namespace ffi = ir::ffi;

using ir::AttrMeaning;

std::string DataLayout(const ir::Object* attrs) {
  for (const ir::AttrField& field : ir::AttrFields(attrs)) {
    if (field.meaning == AttrMeaning::kDataLayout) return field.Get(attrs).cast<ir::String>();
  }
  return "";
}

void HashInts(const std::vector<int64_t>& numbers, AttrMeaning meaning, int rank, HashPair* hash) {
  hash->Both(numbers.size());
  for (int64_t number : numbers) {
    if (meaning == AttrMeaning::kAxis && number < 0 && rank > 0) number += rank;
    hash->Aware(number);
    if (meaning == AttrMeaning::kAxis) hash->Agnostic(number);
    if (meaning == AttrMeaning::kUnit) hash->Agnostic(number == 1);
  }
  if (meaning == AttrMeaning::kPadding) {
    hash->Agnostic(std::any_of(numbers.begin(), numbers.end(), [](int64_t n) { return n != 0; }));
  }
}

void HashField(const ir::Object* attrs, const ir::AttrField& field, int rank, HashPair* hash) {
  if (field.meaning == AttrMeaning::kResultDType) return;
  const ir::Any value = field.Get(attrs);
  switch (field.meaning) {
    case AttrMeaning::kOutLayout: {
      const std::string layout = value.cast<ir::String>();
      hash->Both(std::string_view(layout == DataLayout(attrs) ? "" : layout));
      return;
    }
    case AttrMeaning::kAxis:
    case AttrMeaning::kPadding:
    case AttrMeaning::kUnit:
    case AttrMeaning::kExtent:
      if (std::optional<std::vector<int64_t>> numbers = ir::AsInts(value)) {
        HashInts(*numbers, field.meaning, rank, hash);
        return;
      }
      break;
    default:
      break;
  }
  HashValue(value, hash);
}

void HashMap(const ffi::Map<ffi::Any, ffi::Any>& map, HashPair* hash) {
  std::map<std::string, ffi::Any> sorted;
  for (const auto& [key, value] : map) {
    if (auto name = key.try_cast<ir::String>()) sorted.emplace(*name, value);
  }
  hash->Both(sorted.size());
  for (const auto& [name, value] : sorted) {
    hash->Both(std::string_view(name));
    HashValue(value, hash);
  }
}

}  // namespace

void HashValue(const ffi::Any& value, HashPair* hash) {
  if (std::optional<int64_t> number = ir::AsInt(value)) {
    hash->Both(uint64_t{'i'});
    hash->Both(*number);
  } else if (value.type_index() == ffi::TypeIndex::kTVMFFINone) {
    hash->Both(uint64_t{'n'});
  } else if (value.type_index() == ffi::TypeIndex::kTVMFFIBool) {
    hash->Both(uint64_t{'i'});
    hash->Both(static_cast<int64_t>(value.cast<bool>()));
  } else if (value.type_index() == ffi::TypeIndex::kTVMFFIFloat) {
    hash->Both(uint64_t{'f'});
    hash->Both(value.cast<double>());
  } else if (const auto* literal = value.as<ir::FloatImmNode>()) {
    hash->Both(uint64_t{'f'});
    hash->Both(literal->value());
  } else if (auto text = value.try_cast<ir::String>()) {
    hash->Both(uint64_t{'s'});
    hash->Both(std::string_view(text->data(), text->size()));
  } else if (auto array = value.try_cast<ffi::Array<ffi::Any>>()) {
    hash->Both(uint64_t{'a'});
    hash->Both(array->size());
    for (const ffi::Any& element : *array) HashValue(element, hash);
  } else if (auto map = value.try_cast<ffi::Map<ffi::Any, ffi::Any>>()) {
    hash->Both(uint64_t{'m'});
    HashMap(*map, hash);
  } else if (value.type_index() == ffi::TypeIndex::kTVMFFIDataType) {
    const auto dtype = value.cast<DLDataType>();
    hash->Both(uint64_t{'d'});
    hash->Both((uint64_t{dtype.code} << 32) | (uint64_t{dtype.bits} << 16) | dtype.lanes);
  } else {
    hash->Both(uint64_t{'o'});
    hash->Both(ffi::StructuralHash::Hash(value, /*map_free_vars=*/true));
  }
}

void HashAttrs(const ir::Attrs& attrs, int rank, HashPair* hash) {
  if (!attrs.defined()) return;
  const std::string key = attrs->GetTypeKey();
  hash->Both(std::string_view(key));
  if (const auto* dict = attrs.as<ir::DictAttrsNode>()) {
    HashValue(dict->dict(), hash);
    return;
  }
  for (const ir::AttrField& field : ir::AttrFields(attrs.get())) {
    HashField(attrs.get(), field, rank, hash);
  }
}

}  // namespace cosearch::blocks
