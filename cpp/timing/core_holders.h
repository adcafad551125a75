// Knows nothing of TVM.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace cosearch::timing {

/*!
 * \brief Threads that hold cores for the length of a window, so that nobody else computes there.
 *
 * A holder waits in the way that is kindest to the core's neighbours, and notes for how long it did
 * not run: then somebody else did. Between windows it sleeps.
 */
class CoreHolders {
 public:
  /*! \param cores A holder is bound to each. */
  explicit CoreHolders(const std::vector<int>& cores);
  ~CoreHolders();
  CoreHolders(const CoreHolders&) = delete;
  CoreHolders& operator=(const CoreHolders&) = delete;

  /*! \brief Wakes the holders at a time of WallNanoseconds, at which the caller wakes as well. */
  void HoldFrom(double wall_ns);

  /*! \brief Waits, for at most some nanoseconds, until all of them run; false if they do not. */
  bool AllPresent(double patience_ns) const;

  /*!
   * \brief Says, while cores are held, how well they were since the last time it said so.
   * \return The longest time, in nanoseconds, for which one of them did not hold its core.
   */
  double TakeGap();

  /*!
   * \brief Lets go of the cores.
   * \return The longest time, in nanoseconds, for which one of them did not hold its core.
   */
  double LetGo();

  /*! \brief Kernel ids of the threads. */
  std::vector<int> threads() const;

 private:
  struct Holder {
    std::thread thread;
    std::atomic<int> id{0};
    std::atomic<long> present{0};
    std::atomic<long> gone{0};
    std::atomic<double> seen_ns{0};     // when it last ran
    std::atomic<double> recent_gap{0};  // the longest since TakeGap
    double gap_ns = 0;
  };

  void Run(Holder* holder, int core);

  std::vector<std::unique_ptr<Holder>> holders_;
  std::mutex mutex_;
  std::condition_variable changed_;
  double start_ns_ = 0;
  bool over_ = false;
  std::atomic<long> window_{0};
  std::atomic<long> finished_{0};
};

}  // namespace cosearch::timing
