// Knows nothing of TVM.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace cosearch::timing {

/*! \brief Runs a task on each of some threads at once, and waits for them. */
using Launch = std::function<void(const std::function<void(int thread)>&)>;

/*!
 * \brief Three pieces of work whose speed is known on the quiet machine.
 *
 * One multiplies and adds in vector registers and reads the nearest cache, as convolutions do: it
 * feels whoever shares the core's units or that cache, on the other side of a virtual machine too.
 * The second reads memory that no second-level cache holds, as large weights and images are read.
 * The third takes a number of cycles whoever shares the core, so it tells how fast the clock runs.
 * Each takes some ten microseconds.
 */
class ReferenceWork {
 public:
  using Floats = std::unique_ptr<float[], void (*)(void*)>;

  /*!
   * \param threads Threads that share the work; each does the same.
   * \param launch Runs a task on all of them; not called for one thread.
   */
  ReferenceWork(int threads, Launch launch);

  /*!
   * \brief Multiplies, adds, and reads the nearest cache.
   * \return The slowest thread's time in nanoseconds, without what it takes to start it.
   */
  double Compute();

  /*!
   * \brief Multiplies, each time what was multiplied before, and touches no memory.
   * \return The time in nanoseconds, of the thread whose clock is slowest.
   */
  double CountCycles();

  /*! \brief Reads the next piece of memory; returns its time likewise. */
  double ReadMemory();

  /*! \brief Depends on all that was computed, so that nothing is optimised away. */
  float result() const;

 private:
  // Returns the slowest thread's time for a task, the least of so many times that it does it.
  double OnAll(const std::function<float(int)>& task, int times = 1);

  int threads_;
  Launch launch_;
  size_t place_ = 0;
  std::vector<Floats> memory_;
  std::vector<Floats> near_;
  std::vector<float> results_;
  std::vector<double> times_ns_;
};

}  // namespace cosearch::timing
