// Attributes of Relax operators, read by reflection: one *Attrs class per operator needs no mirror.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/expr.h"

namespace cosearch::ir {

/*! \brief What an attribute tells, by its name. */
enum class AttrMeaning {
  kPlain,
  kResultDType,
  kDataLayout,
  kOutLayout,
  kAxis,
  kPadding,
  /*! \brief Numbers of which only 1 is special: window sizes, group counts. */
  kUnit,
  /*! \brief Numbers that are extents, or make them. */
  kExtent,
};

/*! \brief One field of an *Attrs class. */
struct AttrField {
  std::string name;
  AttrMeaning meaning;
  const TVMFFIFieldInfo* info;

  Any Get(const Object* attrs) const;
};

/*! \brief The fields of the class of \p attrs, in the order of their registration. */
const std::vector<AttrField>& AttrFields(const Object* attrs);

/*! \brief Integer in an attribute: an int or an IntImm. */
std::optional<int64_t> AsInt(const Any& value);

/*! \brief Integers of an attribute that is one, or a list of them. */
std::optional<std::vector<int64_t>> AsInts(const Any& value);

/*! \brief Field \p name as integers, empty where it is missing or none. */
std::vector<int64_t> IntsAttr(const Attrs& attrs, const char* name);

/*! \brief Field \p name as a string, empty where it is missing. */
std::string StringAttr(const Attrs& attrs, const char* name);

/*! \brief What the attributes of a convolution or of a pool tell; empty for other operators. */
struct WindowAttrs {
  std::string data_layout;
  /*! \brief Convolutions only. */
  std::string kernel_layout;
  std::vector<int64_t> strides;
  /*! \brief Pools only: extents of the window, the whole input for an adaptive pool to 1. */
  std::vector<int64_t> pool_size;
  int64_t groups = 1;

  bool IsConv() const { return !kernel_layout.empty(); }
};

/*! \brief Reads a convolution's or a pool's attributes; \p attrs may be null. */
WindowAttrs ReadWindowAttrs(const Attrs& attrs);

/*! \brief Axes that an operator works along, as written; empty without any. */
std::vector<int64_t> AxesOf(const Attrs& attrs);

}  // namespace cosearch::ir
