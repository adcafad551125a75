// Knows nothing of TVM.
#pragma once

#include <functional>
#include <vector>

#include "timing/core_holders.h"
#include "timing/reference_work.h"

namespace cosearch::timing {

/*! \brief What was seen in one window; times in nanoseconds. */
struct Window {
  /*! \brief Time of one call of the kernel. */
  double call_ns;
  /*! \brief Share of the calls' time in which the calling thread ran. */
  double own_share;
  /*! \brief The least share of it in which one of the kernel's other threads ran; 1 without any. */
  double pool_share;
  /*! \brief Longest time for which a core was not held; infinite if one never was. */
  double gap_ns;
  double compute_before_ns, compute_after_ns;
  double memory_before_ns, memory_after_ns;
  double clock_before_ns, clock_after_ns;
};

/*! \brief A look at the machine in the midst of a window. */
struct Probe {
  /*! \brief Time of the compute-bound reference, and of the one that counts cycles. */
  double compute_ns, clock_ns;
  /*! \brief As in a window, of the time since the probe before. */
  double own_share, pool_share, gap_ns;
};

/*! \brief Who computes where. */
struct Seats {
  /*! \brief Core of the calling thread, or negative to leave it where it is. */
  int own_core = -1;
  /*! \brief Cores to keep free of other processes. */
  std::vector<int> held_cores;
  /*! \brief Kernel ids of the threads that run the kernel beside the calling one. */
  std::vector<int> pool_threads;
};

/*!
 * \brief Times calls in short windows, in which the machine does nothing else.
 *
 * All threads that matter wake up at one moment: the calling one, those of the kernel, and one that
 * holds each other core. Where the system permits it they have real-time priority for the length of
 * a window, and nobody can come in between; else it is noticed who did. Between windows the machine
 * belongs to the others for as long as the window took, at least.
 */
class Stopwatch {
 public:
  /*! \param realtime Whether to ask for real-time priority. */
  Stopwatch(Seats seats, ReferenceWork* reference, bool realtime);
  ~Stopwatch();

  /*!
   * \brief Times a kernel.
   * \param call Calls it once.
   * \param calls Calls in a window.
   * \param warm_up Calls before that, which bring its data into the caches.
   * \param windows How many windows.
   */
  std::vector<Window> Time(const std::function<void()>& call, int calls, int warm_up, int windows);

  /*!
   * \brief Looks at the machine; for a call to ask which is being timed, and is so interrupted.
   *
   * A call that takes long is disturbed at some time or other. What it does between two probes need
   * not be.
   */
  Probe TakeProbe();

  /*! \brief Whether the system gives windows real-time priority. */
  bool exclusive() const { return exclusive_; }

 private:
  // What the clocks of all threads that compute said.
  struct Reading {
    double wall_ns, own_ns;
    std::vector<double> pool_ns;
  };
  // Of the time that passed, in which a thread ran: the calling one, the least of the others.
  struct Shares {
    double own, pool;
  };

  Window TimeOnce(const std::function<void()>& call, int calls, int warm_up);
  bool SetPriorities(bool realtime);
  Reading ReadClocks() const;
  static Shares SharesBetween(const Reading& before, const Reading& after);

  Seats seats_;
  ReferenceWork* reference_;
  CoreHolders holders_;
  std::vector<int> threads_;
  Reading probed_{};  // at the end of the last probe
  double rest_ns_ = 0;
  bool exclusive_ = false;
};

}  // namespace cosearch::timing
