#pragma once

#include <optional>

#include "blocks/digest.h"

namespace cosearch::blocks {

/*! \brief The shape-aware and the shape-agnostic hash, fed in one traversal. */
class HashPair {
 public:
  /*! \brief Feeds both hashes. */
  template <typename T>
  void Both(const T& value) {
    aware_.Add(value);
    agnostic_.Add(value);
  }
  /*! \brief Feeds what depends on extents. */
  template <typename T>
  void Aware(const T& value) {
    aware_.Add(value);
  }
  /*! \brief Feeds what stands for extents where they are dropped. */
  template <typename T>
  void Agnostic(const T& value) {
    agnostic_.Add(value);
  }
  void Both(const Signature& signature) {
    aware_.Add(signature.shape_aware);
    agnostic_.Add(signature.shape_agnostic);
  }
  Signature Finish() const { return {aware_.Finish(), agnostic_.Finish()}; }

 private:
  Hasher aware_;
  Hasher agnostic_;
};

}  // namespace cosearch::blocks
