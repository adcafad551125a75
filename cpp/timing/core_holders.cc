#include "timing/core_holders.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "timing/clock.h"

namespace cosearch::timing {
namespace {

// Looking at the clock more often would disturb a neighbour that shares the core's units.
constexpr int kPauses = 8;

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

CoreHolders::CoreHolders(const std::vector<int>& cores) {
  for (int core : cores) {
    holders_.push_back(std::make_unique<Holder>());
    Holder* holder = holders_.back().get();
    holder->thread = std::thread([this, holder, core] { Run(holder, core); });
  }
  for (const auto& holder : holders_) {
    while (holder->id.load() == 0) std::this_thread::yield();
  }
}

CoreHolders::~CoreHolders() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  for (auto& holder : holders_) holder->thread.join();
}

void CoreHolders::HoldFrom(double wall_ns) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    start_ns_ = wall_ns;
    window_.fetch_add(1);
  }
  changed_.notify_all();
}

bool CoreHolders::AllPresent(double patience_ns) const {
  const long window = window_.load();
  const double deadline = WallNanoseconds() + patience_ns;
  for (const auto& holder : holders_) {
    while (holder->present.load() < window) {
      if (WallNanoseconds() > deadline) return false;
      for (int i = 0; i < kPauses; ++i) Pause();
    }
  }
  return true;
}

double CoreHolders::TakeGap() {
  double longest = 0;
  for (const auto& holder : holders_) {
    // One that is driven off right now has not noticed yet.
    const double away = WallNanoseconds() - holder->seen_ns.load(std::memory_order_relaxed);
    longest = std::max({longest, away, holder->recent_gap.exchange(0, std::memory_order_relaxed)});
  }
  return longest;
}

double CoreHolders::LetGo() {
  const long window = window_.load();
  finished_.store(window);
  double longest = 0;
  for (auto& holder : holders_) {
    // One that was driven off its core says so when it comes back.
    while (holder->gone.load() < window) std::this_thread::yield();
    longest = std::max(longest, holder->gap_ns);
  }
  return longest;
}

std::vector<int> CoreHolders::threads() const {
  std::vector<int> ids;
  for (const auto& holder : holders_) ids.push_back(holder->id.load());
  return ids;
}

void CoreHolders::Run(Holder* holder, int core) {
  cpu_set_t own;
  CPU_ZERO(&own);
  CPU_SET(core, &own);
  sched_setaffinity(0, sizeof(own), &own);
  prctl(PR_SET_NAME, "cosearch-holder");  // what top and others show
  holder->id.store(static_cast<int>(syscall(SYS_gettid)));
  for (long done = 0;;) {
    double start;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] { return over_ || window_.load() > done; });
      if (over_) return;
      start = start_ns_;
      done = window_.load();
    }
    SleepUntil(start);
    double last = WallNanoseconds(), gap = 0;
    holder->seen_ns.store(last);
    holder->recent_gap.store(0);
    holder->present.store(done);
    while (finished_.load(std::memory_order_relaxed) < done) {
      for (int i = 0; i < kPauses; ++i) Pause();
      const double now = WallNanoseconds();
      if (now - last > holder->recent_gap.load(std::memory_order_relaxed)) {
        holder->recent_gap.store(now - last, std::memory_order_relaxed);
      }
      gap = std::max(gap, now - last);
      last = now;
      holder->seen_ns.store(now, std::memory_order_relaxed);
    }
    holder->gap_ns = gap;
    holder->gone.store(done);
  }
}

}  // namespace cosearch::timing
