#include "timing/windows.h"

#include <sched.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "timing/clock.h"

namespace cosearch::timing {
namespace {

constexpr double kMillisecond = 1e6;
// Without priority, as long as a slice of the scheduler's: who sleeps for less is not owed one.
constexpr double kLeastRest = 3 * kMillisecond, kLeastExclusiveRest = kMillisecond;
constexpr double kPatience = 2 * kMillisecond;

template <typename Run>
double TimeOf(const Run& run) {
  const double start = WallNanoseconds();
  run();
  return WallNanoseconds() - start;
}

// Binds the calling thread to a core while it lives.
class Seat {
 public:
  explicit Seat(int core)
      : taken_(core >= 0 && sched_getaffinity(0, sizeof(before_), &before_) == 0) {
    if (!taken_) return;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(core, &own);
    sched_setaffinity(0, sizeof(own), &own);
  }
  ~Seat() {
    if (taken_) sched_setaffinity(0, sizeof(before_), &before_);
  }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

 private:
  cpu_set_t before_;
  bool taken_;
};

class AtEnd {
 public:
  explicit AtEnd(std::function<void()> run) : run_(std::move(run)) {}
  ~AtEnd() { run_(); }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;

 private:
  std::function<void()> run_;
};

bool SetPriority(int thread, bool realtime) {
  sched_param priority{};
  priority.sched_priority = realtime ? 1 : 0;
  return sched_setscheduler(thread, realtime ? SCHED_FIFO : SCHED_OTHER, &priority) == 0;
}

}  // namespace

Stopwatch::Stopwatch(Seats seats, ReferenceWork* reference, bool realtime)
    : seats_(std::move(seats)), reference_(reference), holders_(seats_.held_cores) {
  threads_ = holders_.threads();
  threads_.insert(threads_.end(), seats_.pool_threads.begin(), seats_.pool_threads.end());
  threads_.push_back(0);  // the calling one
  exclusive_ = realtime && SetPriorities(true);
  SetPriorities(false);
}

Stopwatch::~Stopwatch() = default;

bool Stopwatch::SetPriorities(bool realtime) {
  return std::all_of(threads_.begin(), threads_.end(),
                     [&](int thread) { return SetPriority(thread, realtime); });
}

std::vector<Window> Stopwatch::Time(const std::function<void()>& call, int calls, int warm_up,
                                    int windows) {
  const Seat seat(seats_.own_core);
  std::vector<Window> seen;
  for (int i = 0; i < windows; ++i) seen.push_back(TimeOnce(call, calls, warm_up));
  return seen;
}

Window Stopwatch::TimeOnce(const std::function<void()>& call, int calls, int warm_up) {
  const double start =
      WallNanoseconds() + std::max(exclusive_ ? kLeastExclusiveRest : kLeastRest, rest_ns_);
  holders_.HoldFrom(start);
  SleepUntil(start);
  Window window{};
  {
    // Undone in any case: a kernel may throw.
    const AtEnd let_go([this] { holders_.LetGo(); });
    const AtEnd give_back([this] { SetPriorities(false); });
    if (exclusive_) SetPriorities(true);
    const bool present = holders_.AllPresent(kPatience);
    reference_->ReadMemory();
    window.memory_before_ns = reference_->ReadMemory();
    reference_->Compute();
    window.compute_before_ns = reference_->Compute();
    for (int i = 0; i < warm_up; ++i) call();

    std::vector<double> pool_ns;
    for (int thread : seats_.pool_threads) pool_ns.push_back(NanosecondsOf(ClockOfThread(thread)));
    const double own_ns = OwnNanoseconds();
    const double wall_ns = TimeOf([&] {
      for (int i = 0; i < calls; ++i) call();
    });
    window.call_ns = wall_ns / calls;
    window.own_share = (OwnNanoseconds() - own_ns) / wall_ns;
    window.pool_share = 1;
    for (size_t i = 0; i < pool_ns.size(); ++i) {
      const double ran_ns = NanosecondsOf(ClockOfThread(seats_.pool_threads[i])) - pool_ns[i];
      window.pool_share = std::min(window.pool_share, ran_ns / wall_ns);
    }

    reference_->Compute();
    window.compute_after_ns = reference_->Compute();
    reference_->ReadMemory();
    window.memory_after_ns = reference_->ReadMemory();
    const double gap_ns = holders_.LetGo();
    window.gap_ns = present ? gap_ns : std::numeric_limits<double>::infinity();
  }
  rest_ns_ = WallNanoseconds() - start;
  return window;
}

}  // namespace cosearch::timing
