#include "timing/reference_work.h"

#include <algorithm>
#include <cstdlib>
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
// More than the first-level cache, and so little of the second that its place there does not
// matter.
constexpr size_t kNear = (1 << 16) / sizeof(float), kRounds = 24;
// A ring of them, so that a piece has left the second-level cache when it is read again.
constexpr size_t kPiece = (1 << 20) / sizeof(float), kPieces = 16;

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

void ReferenceWork::WarmUp() {
  OnAll([this](int thread) { return Sum(near_[thread].get(), kNear); });
}

double ReferenceWork::ReadMemory() {
  place_ = (place_ + 1) % kPieces;
  return OnAll([this](int thread) { return Sum(memory_[thread].get() + place_ * kPiece, kPiece); });
}

float ReferenceWork::result() const {
  return std::accumulate(results_.begin(), results_.end(), 0.0f);
}

double ReferenceWork::OnAll(const std::function<float(int)>& task) {
  const std::function<void(int)> timed = [&](int thread) {
    const double start = WallNanoseconds();
    results_[thread] += task(thread);
    times_ns_[thread] = WallNanoseconds() - start;
  };
  if (threads_ == 1) {
    timed(0);
  } else {
    launch_(timed);
  }
  return *std::max_element(times_ns_.begin(), times_ns_.end());
}

}  // namespace cosearch::timing
