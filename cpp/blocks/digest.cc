#include "blocks/digest.h"

#include <cstring>

namespace cosearch::blocks {
namespace {

// Finaliser of splitmix64 (Steele, Lea and Flood, OOPSLA 2014), variant 13 of Stafford.
uint64_t Scramble(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t RotateLeft(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

}  // namespace

std::string Digest::Hex() const {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text(32, '0');
  for (int i = 0; i < 16; ++i) {
    text[i] = kDigits[(high >> (60 - 4 * i)) & 15];
    text[16 + i] = kDigits[(low >> (60 - 4 * i)) & 15];
  }
  return text;
}

void Hasher::Add(uint64_t value) {
  low_ = Scramble(low_ ^ (value + 0x9e3779b97f4a7c15));
  high_ = Scramble(high_ + RotateLeft(value * 0xff51afd7ed558ccd, 31) + low_);
  ++length_;
}

void Hasher::Add(double value) {
  if (value == 0) value = 0;
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  Add(bits);
}

void Hasher::Add(std::string_view text) {
  Add(static_cast<uint64_t>(text.size()));
  uint64_t word = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    word |= static_cast<uint64_t>(static_cast<unsigned char>(text[i])) << (8 * (i % 8));
    if (i % 8 == 7 || i + 1 == text.size()) {
      Add(word);
      word = 0;
    }
  }
}

void Hasher::Add(const Digest& digest) {
  Add(digest.low);
  Add(digest.high);
}

Digest Hasher::Finish() const {
  Hasher end = *this;
  end.Add(length_);
  return {end.low_, end.high_};
}

}  // namespace cosearch::blocks
