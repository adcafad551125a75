#include "schedules/split_refit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace cosearch::schedules {
namespace {

// How much the innermost factor counts against the one around it, and so on.
constexpr double kInwards = 4.0;
// In the units of a squared ratio of the innermost factor, in powers of two: a vector that is no
// longer filled is worse than any change of the others, and threads of which half are idle are as
// bad as a tile of half the size.
constexpr double kBrokenVector = 1e3;
constexpr double kIdleThreads = 2.0;
// A tile that grows may leave the registers or the cache, one that shrinks stays in them.
constexpr double kGrowth = 2.0;

std::vector<int64_t> Divisors(int64_t extent) {
  std::vector<int64_t> small, large;
  for (int64_t factor = 1; factor * factor <= extent; ++factor) {
    if (extent % factor != 0) continue;
    small.push_back(factor);
    if (factor * factor != extent) large.push_back(extent / factor);
  }
  small.insert(small.end(), large.rbegin(), large.rend());
  return small;
}

class Refitter {
 public:
  Refitter(const std::vector<int64_t>& factors, const SplitLimits& limits)
      : factors_(factors), limits_(limits), current_(factors.size()) {}

  std::vector<int64_t> Run(int64_t extent) {
    Place(factors_.size() - 1, extent, 1.0, 0.0);
    return best_;
  }

 private:
  // Chooses the factor at `place` and then those around it; `left` is what they multiply to.
  void Place(size_t place, int64_t left, double weight, double cost) {
    if (cost >= best_cost_) return;
    if (place == 0) {
      Finish(left, cost);
      return;
    }
    const bool innermost = place + 1 == factors_.size();
    for (int64_t factor : Divisors(left)) {
      if (innermost && factor > limits_.max_innermost) break;
      current_[place] = factor;
      const double broken = innermost && BreaksVector(factor) ? kBrokenVector : 0.0;
      Place(place - 1, left / factor, weight / kInwards,
            cost + broken + weight * Distance(factor, factors_[place]));
    }
  }

  void Finish(int64_t outermost, double cost) {
    current_[0] = outermost;
    cost += kIdleThreads * Idle(outermost);
    if (cost >= best_cost_) return;
    best_cost_ = cost;
    best_ = current_;
  }

  // A vector that is neither several registers nor an even part of one is taken apart by LLVM.
  bool BreaksVector(int64_t factor) const { return IsWhole(factors_.back()) && !IsWhole(factor); }

  bool IsWhole(int64_t factor) const {
    return factor % limits_.lanes == 0 || limits_.lanes % factor == 0;
  }

  // Share of the threads' time that is idle in the last round of an equal distribution.
  double Idle(int64_t tasks) const {
    const int64_t rounds = (tasks + limits_.threads - 1) / limits_.threads;
    return 1.0 - static_cast<double>(tasks) / static_cast<double>(rounds * limits_.threads);
  }

  static double Distance(int64_t factor, int64_t tuned) {
    double octaves = std::log2(static_cast<double>(factor) / static_cast<double>(tuned));
    if (octaves > 0) octaves *= kGrowth;
    return octaves * octaves;
  }

  const std::vector<int64_t>& factors_;
  const SplitLimits& limits_;
  std::vector<int64_t> current_;
  std::vector<int64_t> best_;
  double best_cost_ = std::numeric_limits<double>::infinity();
};

void CheckPositive(int64_t value, const char* what) {
  if (value < 1) {
    throw std::invalid_argument(std::string(what) + " must be at least 1, not " +
                                std::to_string(value));
  }
}

}  // namespace

std::vector<int64_t> RefitSplit(const std::vector<int64_t>& factors, int64_t extent,
                                const SplitLimits& limits) {
  if (factors.empty()) throw std::invalid_argument("a split has at least one factor");
  for (int64_t factor : factors) CheckPositive(factor, "a factor");
  CheckPositive(extent, "the extent");
  CheckPositive(limits.max_innermost, "the largest innermost factor");
  CheckPositive(limits.lanes, "the number of lanes");
  CheckPositive(limits.threads, "the number of threads");
  return Refitter(factors, limits).Run(extent);
}

}  // namespace cosearch::schedules
