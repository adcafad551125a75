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

Stopwatch::Shares Stopwatch::SharesBetween(const Reading& before, const Reading& after) {
  const double wall_ns = after.wall_ns - before.wall_ns;
  Shares shares{(after.own_ns - before.own_ns) / wall_ns, 1};
  for (size_t i = 0; i < before.pool_ns.size(); ++i) {
    shares.pool = std::min(shares.pool, (after.pool_ns[i] - before.pool_ns[i]) / wall_ns);
  }
  return shares;
}

Stopwatch::Reading Stopwatch::ReadClocks() const {
  Reading now{};
  for (int thread : seats_.pool_threads) {
    now.pool_ns.push_back(NanosecondsOf(ClockOfThread(thread)));
  }
  now.own_ns = OwnNanoseconds();
  now.wall_ns = WallNanoseconds();
  return now;
}

Probe Stopwatch::TakeProbe() {
  const Shares shares = SharesBetween(probed_, ReadClocks());
  Probe probe{};
  probe.own_share = shares.own;
  probe.pool_share = shares.pool;
  probe.gap_ns = holders_.TakeGap();
  probe.clock_ns = reference_->CountCycles();
  reference_->Compute();  // brings back to the nearest cache what it reads
  probe.compute_ns = reference_->Compute();
  probed_ = ReadClocks();
  return probe;
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
    window.clock_before_ns = reference_->CountCycles();
    for (int i = 0; i < warm_up; ++i) call();

    const Reading before = ReadClocks();
    for (int i = 0; i < calls; ++i) call();
    const double wall_ns = WallNanoseconds() - before.wall_ns;
    const Shares shares = SharesBetween(before, ReadClocks());
    window.call_ns = wall_ns / calls;
    window.own_share = shares.own;
    window.pool_share = shares.pool;

    window.clock_after_ns = reference_->CountCycles();
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
