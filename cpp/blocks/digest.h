#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cosearch::blocks {

/*! \brief A 128-bit hash. */
struct Digest {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const Digest& other) const { return low == other.low && high == other.high; }
  bool operator!=(const Digest& other) const { return !(*this == other); }
  bool operator<(const Digest& other) const {
    return high != other.high ? high < other.high : low < other.low;
  }
  /*! \brief 32 lower-case hex digits. */
  std::string Hex() const;
};

/*!
 * \brief Hashes a sequence of values into 128 bits, the same on every machine: it reads integers,
 * never memory, so neither byte order nor addresses nor the standard library's hashes matter.
 */
class Hasher {
 public:
  void Add(uint64_t value);
  void Add(int64_t value) { Add(static_cast<uint64_t>(value)); }
  void Add(int value) { Add(static_cast<int64_t>(value)); }
  void Add(bool value) { Add(static_cast<uint64_t>(value)); }
  /*! \brief By its bits; both zeros are one value. */
  void Add(double value);
  void Add(std::string_view text);
  void Add(const Digest& digest);
  Digest Finish() const;

 private:
  uint64_t low_ = 0x243f6a8885a308d3;
  uint64_t high_ = 0x13198a2e03707344;
  uint64_t length_ = 0;
};

/*! \brief The two hashes that make a signature. */
struct Signature {
  Digest shape_aware;
  Digest shape_agnostic;
};

}  // namespace cosearch::blocks
