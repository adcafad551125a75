#pragma once

#include <vector>

#include "finder_view.h"

namespace cosearch::blocks {

/*!
 * \brief The ops on all paths from `entry` (exclusive) to `exit`, ascending; empty where the paths
 * do not all come from `entry`, or where an inner value is read outside.
 */
std::vector<int> OpsBetween(const GraphView& view, int entry, int exit);

/*!
 * \brief Whether these ops (ascending) may become a function: the last one is the only one read
 * outside, none is idle, and the result is no tuple. One exit that is last in program order
 * implies convexity: whatever leaves the region leaves by the exit, and nothing after the exit
 * comes before a region's op.
 */
bool IsLegal(const GraphView& view, const std::vector<int>& ops);

/*!
 * \brief Make a proposal fit for outlining where that is harmless: take in ops on weights alone and
 * idle ops, give up getters of a tuple that is made outside.
 */
void Tidy(const GraphView& view, std::vector<int>* ops);

/*! \brief Values that the ops read and do not make, in the order they are first read. */
std::vector<int> EntriesOf(const GraphView& view, const std::vector<int>& ops);

/*!
 * \brief Append what belongs to a join's block after the join: activations, and a channel shuffle
 * (reshape, transpose, reshape). A norm there opens the next block (pre-activation networks).
 */
int ExtendBehind(const GraphView& view, int join, std::vector<int>* ops);

/*!
 * \brief Take in the norm and activation that a pre-activation network puts before the branches.
 * \return the new entry.
 */
int ExtendToNorm(const GraphView& view, int entry, std::vector<int>* ops);

/*! \brief Take in the split, or the rearrangement, that makes branches of one value's channels.
 *  \return the new entry. */
int ExtendToSplit(const GraphView& view, int entry, std::vector<int>* ops);

/*! \brief Whether the ops change resolution at most once, and only in one direction. */
bool HasOneResolutionChange(const GraphView& view, const std::vector<int>& ops);

/*! \brief Number of convolutions and dense layers among the ops. */
int CountConvs(const GraphView& view, const std::vector<int>& ops);

}  // namespace cosearch::blocks
