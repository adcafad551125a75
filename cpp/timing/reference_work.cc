#include "timing/reference_work.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <numeric>
#include <utility>

#include "timing/clock.h"

// One library serves CPUs with and without wide vectors: the loader takes the widest version.
#if defined(__x86_64__) && defined(__GNUC__)
#define COSEARCH_WIDEST __attribute__((target_clones("avx512f", "avx2,fma", "default"), noinline))
#else
#define COSEARCH_WIDEST __attribute__((noinline))
#endif

namespace cosearch::timing {
namespace {

constexpr size_t kLine = 64;  // vectors that cross lines would take longer
constexpr int kLanes = 16, kChains = 12, kSteps = 5000;
// In the first-level cache of any processor. What exceeds it is read in one of several times, for
// seconds each, where the cache adapts which lines it replaces: by 14 % on Zen 5, with nobody near.
constexpr size_t kNear = (1 << 14) / sizeof(float), kRounds = 96;
// A ring of them, so that a piece has left the second-level cache when it is read again.
constexpr size_t kPiece = (1 << 20) / sizeof(float), kPieces = 16;

// A chain of so many products takes a few microseconds; an interrupt makes one of them take longer.
constexpr int kProducts = 4000, kCountings = 4;

// Each product waits for the one before: there is nothing that another thread of the core could
// take away.
uint64_t MultiplyInTurn(uint64_t factor) {
  uint64_t product = factor;
  for (int step = 0; step < kProducts; ++step) {
    product *= factor;
#if defined(__GNUC__)
    asm volatile("" : "+r"(product));  // or the compiler would multiply ahead
#endif
  }
  return product;
}

// Chains of multiply-adds, enough of them to hide the latency of each.
COSEARCH_WIDEST float MultiplyAdd(float factor) {
  float sums[kChains][kLanes];
  for (auto& chain : sums) {
    for (float& lane : chain) lane = factor;
  }
  for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (int chain = 0; chain < kChains; ++chain) {
#pragma GCC ivdep
      for (int lane = 0; lane < kLanes; ++lane) {
        sums[chain][lane] = sums[chain][lane] * factor + factor;
      }
    }
  }
  float total = 0;
  for (auto& chain : sums) total += std::accumulate(chain, chain + kLanes, 0.0f);
  return total;
}

COSEARCH_WIDEST float Sum(const float* values, size_t count) {
  float sums[4 * kLanes] = {};
  for (size_t i = 0; i < count; i += 4 * kLanes) {
    for (int lane = 0; lane < 4 * kLanes; ++lane) sums[lane] += values[i + lane];
  }
  return std::accumulate(sums, sums + 4 * kLanes, 0.0f);
}

ReferenceWork::Floats MakeOnes(size_t count) {
  auto* floats = static_cast<float*>(std::aligned_alloc(kLine, count * sizeof(float)));
  if (floats == nullptr) throw std::bad_alloc();
  std::fill(floats, floats + count, 1.0f);
  return {floats, &std::free};
}

}  // namespace

ReferenceWork::ReferenceWork(int threads, Launch launch)
    : threads_(threads), launch_(std::move(launch)), results_(threads), times_ns_(threads) {
  for (int thread = 0; thread < threads; ++thread) {
    memory_.push_back(MakeOnes(kPiece * kPieces));
    near_.push_back(MakeOnes(kNear));
  }
}

double ReferenceWork::Compute() {
  return OnAll([this](int thread) {
    float total = MultiplyAdd(0.5f);
    for (size_t round = 0; round < kRounds; ++round) total += Sum(near_[thread].get(), kNear);
    return total;
  });
}

double ReferenceWork::CountCycles() {
  const auto multiply = [](int thread) {
    return static_cast<float>(MultiplyInTurn(2 * static_cast<uint64_t>(thread) + 3) & 1);
  };
  return OnAll(multiply, kCountings);
}

double ReferenceWork::ReadMemory() {
  place_ = (place_ + 1) % kPieces;
  return OnAll([this](int thread) { return Sum(memory_[thread].get() + place_ * kPiece, kPiece); });
}

float ReferenceWork::result() const {
  return std::accumulate(results_.begin(), results_.end(), 0.0f);
}

double ReferenceWork::OnAll(const std::function<float(int)>& task, int times) {
  const std::function<void(int)> timed = [&](int thread) {
    double least_ns = std::numeric_limits<double>::infinity();
    for (int i = 0; i < times; ++i) {
      const double start = WallNanoseconds();
      results_[thread] += task(thread);
      least_ns = std::min(least_ns, WallNanoseconds() - start);
    }
    times_ns_[thread] = least_ns;
  };
  if (threads_ == 1) {
    timed(0);
  } else {
    launch_(timed);
  }
  return *std::max_element(times_ns_.begin(), times_ns_.end());
}

}  // namespace cosearch::timing
