#pragma once

#include <tvm/ffi/any.h>
#include <tvm/ffi/cast.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>
#include <tvm/ffi/type_traits.h>

#include <cstdint>
#include <vector>

namespace cosearch::ir {

namespace ffi = tvm::ffi;

/*!
 * \brief What this release expects of one TVM type, or of one field of it.
 *
 * TVM's wheel ships no compiler headers, so its nodes are read through mirrors: classes without
 * data, whose accessors load a field at the offset that tvm-ffi's type table gives at start-up.
 */
struct Expectation {
  const char* type_key;
  /*! \brief Null when the expectation is about the type itself. */
  const char* field;
  /*! \brief Of a type, its depth below ffi.Object; of a field, its size in bytes. */
  int64_t depth_or_size;
  /*! \brief Static type index that reflection reports for the field. */
  int32_t static_type_index;
  /*! \brief Receives the type's index or the field's offset; may be null. */
  int32_t* resolved;
};

/*! \brief Every expectation that the mirrors of this library declare. */
std::vector<Expectation>& Expectations();

/*!
 * \brief Check one expectation against the type table and resolve it.
 * \throws RuntimeError naming the type or field, what was expected and what was found.
 */
void Check(const Expectation& expectation);

/*! \brief Check and resolve everything, once; must run after TVM's compiler library is loaded. */
void Init();

/*! \brief Declares an expectation while the library is loaded. */
struct Expect {
  explicit Expect(Expectation expectation) { Expectations().push_back(expectation); }
};

/*! \brief Reads a field of \p object at \p offset. */
template <typename T>
const T& Field(const void* object, int32_t offset) {
  return *reinterpret_cast<const T*>(static_cast<const char*>(object) + offset);
}

/*! \brief \p object as a \p Node, null when it is none. */
template <typename Node>
const Node* As(const ffi::Object* object) {
  return object->IsInstance<Node>() ? static_cast<const Node*>(object) : nullptr;
}

}  // namespace cosearch::ir

/*! \brief Mirrors the TVM type \p Key, whose parent's mirror is \p Parent, inside a class body. */
#define COSEARCH_NODE(Key, Parent)                                             \
  static constexpr const char* _type_key = Key;                                \
  static constexpr int32_t _type_depth = Parent::_type_depth + 1;              \
  static inline int32_t _type_index = -1;                                      \
  static int32_t _GetOrAllocRuntimeTypeIndex() { return _type_index; }         \
  static int32_t RuntimeTypeIndex() noexcept { return _type_index; }           \
  static inline const ::cosearch::ir::Expect _type_expectation {               \
    ::cosearch::ir::Expectation { Key, nullptr, _type_depth, 0, &_type_index } \
  }

/*! \brief Mirrors the field \p FieldName as the accessor `const Type& Name() const`. */
#define COSEARCH_FIELD_AS(Type, Name, FieldName)                                               \
  static inline int32_t _offset_##Name = -1;                                                   \
  static inline const ::cosearch::ir::Expect _expectation_##Name{::cosearch::ir::Expectation{  \
      _type_key, FieldName, sizeof(Type), ::tvm::ffi::TypeToFieldStaticTypeIndex<Type>::value, \
      &_offset_##Name}};                                                                       \
  const Type& Name() const { return ::cosearch::ir::Field<Type>(this, _offset_##Name); }       \
  static_assert(true, "")

#define COSEARCH_FIELD(Type, Name) COSEARCH_FIELD_AS(Type, Name, #Name)

/*! \brief Defines the reference class \p Ref of the mirror \p Node. */
#define COSEARCH_REF(Ref, ParentRef, Node)                            \
  class Ref : public ParentRef {                                      \
   public:                                                            \
    TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Ref, ParentRef, Node); \
  }
