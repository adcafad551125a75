// Knows nothing of TVM.
#pragma once

#include <ctime>

namespace cosearch::timing {

/*! \brief Nanoseconds of a clock since some moment. */
inline double NanosecondsOf(clockid_t clock) {
  timespec now;
  if (clock_gettime(clock, &now) != 0) return 0;
  return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

/*! \brief The time that passes, in nanoseconds. */
inline double WallNanoseconds() { return NanosecondsOf(CLOCK_MONOTONIC); }

/*! \brief What the calling thread has computed, in nanoseconds. */
inline double OwnNanoseconds() { return NanosecondsOf(CLOCK_THREAD_CPUTIME_ID); }

/*! \brief The clock of what another thread of this process has computed. */
inline clockid_t ClockOfThread(int thread) {
  // The kernel's encoding; pthread_getcpuclockid would need the thread's pthread_t.
  constexpr int kPerThread = 4, kScheduled = 2;
  return static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3) | kPerThread | kScheduled);
}

/*! \brief Sleeps until a time of WallNanoseconds. */
inline void SleepUntil(double wall_ns) {
  timespec until;
  until.tv_sec = static_cast<time_t>(wall_ns / 1e9);
  until.tv_nsec = static_cast<long>(wall_ns - 1e9 * static_cast<double>(until.tv_sec));
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
  }
}

}  // namespace cosearch::timing
