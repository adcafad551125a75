#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <stdexcept>
#include <thread>
#include <vector>

#include "timing/call_log.h"
#include "timing/core_holders.h"
#include "timing/windows.h"

namespace cosearch::timing {
namespace {

constexpr double kSecond = 1e9;

TEST(CoreHolders, ArePresentUntilTheyLetGo) {
  CoreHolders holders({0});
  EXPECT_EQ(holders.threads().size(), 1u);
  for (int i = 0; i < 3; ++i) {
    holders.HoldFrom(WallNanoseconds());
    EXPECT_TRUE(holders.AllPresent(10 * kSecond));
    EXPECT_GE(holders.LetGo(), 0);
  }
}

TEST(CoreHolders, AreAbsentBeforeTheirTime) {
  CoreHolders holders({0});
  holders.HoldFrom(WallNanoseconds() + 0.05 * kSecond);
  EXPECT_FALSE(holders.AllPresent(0));
  EXPECT_TRUE(holders.AllPresent(10 * kSecond));
  holders.LetGo();
}

TEST(CoreHolders, HoldNothingWhereThereIsNoCore) {
  CoreHolders holders({});
  holders.HoldFrom(WallNanoseconds());
  EXPECT_TRUE(holders.AllPresent(0));
  EXPECT_EQ(holders.LetGo(), 0);
}

TEST(CoreHolders, SayHowWellCoresWereHeldSinceTheLastTime) {
  CoreHolders holders({0});
  holders.HoldFrom(WallNanoseconds());
  ASSERT_TRUE(holders.AllPresent(10 * kSecond));
  double before = WallNanoseconds();
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const double gap = holders.TakeGap();
    EXPECT_GT(gap, 0);
    // A gap that was told of is not told of again, but for the one that goes on.
    EXPECT_LE(gap, 2 * (WallNanoseconds() - before));
    before = WallNanoseconds();
  }
  EXPECT_GE(holders.LetGo(), 0);
}

TEST(ReferenceWork, IsDoneByEveryThread) {
  int tasks = 0;
  ReferenceWork work(3, [&](const std::function<void(int)>& task) {
    for (int thread = 0; thread < 3; ++thread, ++tasks) task(thread);
  });
  const float before = work.result();
  EXPECT_GT(work.Compute(), 0);
  EXPECT_EQ(tasks, 3);
  EXPECT_GT(work.result(), before);
  EXPECT_GT(work.ReadMemory(), 0);
  EXPECT_EQ(tasks, 6);
  EXPECT_GT(work.CountCycles(), 0);
  EXPECT_EQ(tasks, 9);
}

TEST(Stopwatch, TimesTheCallsAndNotTheWarmUp) {
  ReferenceWork work(1, nullptr);
  Stopwatch watch({-1, {}, {}}, &work, false);
  int calls = 0;
  const auto windows = watch.Time(
      [&] {
        // Two of four calls of a window are warm-up, which sleeps.
        if (calls++ % 4 < 2) std::this_thread::sleep_for(std::chrono::milliseconds(200));
      },
      2, 2, 3);
  EXPECT_EQ(calls, 12);
  ASSERT_EQ(windows.size(), 3u);
  for (const Window& window : windows) {
    EXPECT_LT(window.call_ns, 0.1 * kSecond);
    EXPECT_EQ(window.pool_share, 1);
  }
}

TEST(Stopwatch, SeesThatAThreadSleeps) {
  ReferenceWork work(1, nullptr);
  Stopwatch watch({-1, {}, {}}, &work, false);
  const auto windows =
      watch.Time([] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }, 1, 0, 1);
  EXPECT_LT(windows[0].own_share, 0.5);
}

TEST(Stopwatch, ProbesInTheMidstOfACall) {
  ReferenceWork work(1, nullptr);
  Stopwatch watch({-1, {}, {}}, &work, false);
  std::vector<Probe> probes;
  watch.Time(
      [&] {
        watch.TakeProbe();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        probes.push_back(watch.TakeProbe());
        const double until = OwnNanoseconds() + 0.02 * kSecond;
        while (OwnNanoseconds() < until) {
        }
        probes.push_back(watch.TakeProbe());
      },
      1, 0, 1);
  ASSERT_EQ(probes.size(), 2u);
  EXPECT_LT(probes[0].own_share, 0.5);
  EXPECT_GT(probes[1].own_share, probes[0].own_share);
  for (const Probe& probe : probes) {
    EXPECT_GT(probe.compute_ns, 0);
    EXPECT_GT(probe.clock_ns, 0);
    EXPECT_EQ(probe.pool_share, 1);
  }
}

TEST(Stopwatch, LetsGoOfTheCoresWhenACallFails) {
  ReferenceWork work(1, nullptr);
  Stopwatch watch({-1, {0}, {}}, &work, false);
  EXPECT_THROW(watch.Time([] { throw std::runtime_error("broken"); }, 1, 0, 1), std::runtime_error);
  EXPECT_EQ(watch.Time([] {}, 1, 0, 2).size(), 2u);
}

void CallAll(CallLog* log, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    log->Begin();
    log->End(name);
  }
}

TEST(CallLog, ProbesBeforeTheCallsAskedForAndAfterEachRun) {
  int probes = 0;
  std::vector<size_t> calls_before;
  CallLog* here = nullptr;
  CallLog log([&] {
    calls_before.push_back(here->calls().size());
    return Probe{static_cast<double>(++probes), 1, 1, 1, 0};
  });
  here = &log;
  log.ProbeAt({0, 2}, 3);
  for (int run = 0; run < 2; ++run) CallAll(&log, {"a", "b", "c"});
  EXPECT_EQ(calls_before, (std::vector<size_t>{0, 2, 3, 3, 5, 6}));
  ASSERT_EQ(log.probes().size(), 6u);
  EXPECT_EQ(log.probes()[5].compute_ns, 6);
  log.Clear();
  EXPECT_TRUE(log.probes().empty());
  log.ProbeAt({}, 0);
  CallAll(&log, {"a"});
  EXPECT_EQ(probes, 6);
}

TEST(CallLog, KeepsTheOrderOfCalls) {
  CallLog log([]() -> Probe { throw std::logic_error("nobody asked for a probe"); });
  CallAll(&log, {"a", "b", "a"});
  ASSERT_EQ(log.calls().size(), 3u);
  EXPECT_EQ(log.functions(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(log.calls()[2].function, 0);
  EXPECT_GE(log.calls()[1].ns, 0);
  log.Clear();
  EXPECT_TRUE(log.calls().empty());
}

}  // namespace
}  // namespace cosearch::timing
