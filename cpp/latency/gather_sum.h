// Knows nothing of TVM.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cosearch::latency {

/*!
 * \brief Adds up entries of a table for each row of places.
 * \param table What is added.
 * \param size Entries of it.
 * \param slots ``[rows, columns]`` places in the table, negative where nothing is added.
 * \param base What each sum starts with.
 * \param out ``[rows]`` sums.
 * \throws std::invalid_argument When a place is outside of the table.
 */
void GatherSum(const double* table, size_t size, const int32_t* slots, size_t rows, size_t columns,
               double base, double* out);

}  // namespace cosearch::latency
