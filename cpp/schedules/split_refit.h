// Knows nothing of TVM.
#pragma once

#include <cstdint>
#include <vector>

namespace cosearch::schedules {

/*! \brief What a refitted split has to respect. */
struct SplitLimits {
  /*! \brief Largest innermost factor. */
  int64_t max_innermost = 128;
  /*! \brief Values in a vector: an innermost factor that fills vectors goes on filling them. */
  int64_t lanes = 1;
  /*! \brief Threads that the outermost factor is spread over, 1 where it is not. */
  int64_t threads = 1;
};

/*!
 * \brief Factors of \p extent that come closest to those that were tuned for another extent.
 *
 * The tile, which is all factors but the first, keeps its size in absolute terms, since registers
 * and caches do not grow with the problem: of all tuples with the right product, the one whose
 * factors are nearest in log space, the innermost counting most, and growth twice as much as
 * shrinking. The first factor takes what is
 * left; where it is spread over threads, one that gives each thread the same is preferred.
 *
 * \param factors The tuned factors, outermost first.
 * \param extent What the new factors multiply to.
 * \param limits What they have to respect.
 * \throws std::invalid_argument When a factor, the extent or a limit is less than 1, or there are
 * no factors.
 */
std::vector<int64_t> RefitSplit(const std::vector<int64_t>& factors, int64_t extent,
                                const SplitLimits& limits);

}  // namespace cosearch::schedules
