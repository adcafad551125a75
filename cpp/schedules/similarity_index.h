// Knows nothing of TVM.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace cosearch::schedules {

/*! \brief A workload that another one is like. */
struct Neighbour {
  /*! \brief Place of the workload in the order in which workloads were added. */
  int64_t row;
  /*! \brief Whether it differs in extents only; else its main nest alone is of the same kind. */
  bool same_structure;
  /*! \brief Euclidean distance between the points of the two. */
  float distance;
};

/*!
 * \brief Finds workloads that are like a given one.
 *
 * Workloads are filed by the kind of their main nest. A query looks at all of one kind, whose
 * points lie next to each other: exact, and fast enough for 100,000 of them.
 */
class SimilarityIndex {
 public:
  /*! \param dimensions Coordinates of a point. */
  explicit SimilarityIndex(size_t dimensions) : dimensions_(dimensions) {}

  /*!
   * \brief Adds a workload.
   * \param structure Shape-agnostic signature of the whole workload.
   * \param kind Shape-agnostic signature of its main nest.
   * \param point Its coordinates.
   */
  void Add(const std::string& structure, const std::string& kind, const float* point);

  /*!
   * \brief Returns the \p k workloads that are most like another one: first those of the same
   * structure, then those of the same kind, in each the nearest first, and the earlier of equals.
   */
  std::vector<Neighbour> Query(const std::string& structure, const std::string& kind,
                               const float* point, size_t k) const;

 private:
  struct Family {
    std::vector<float> points;
    std::vector<int64_t> rows;
    std::vector<int32_t> structures;
  };

  int32_t Number(const std::string& structure) const;

  size_t dimensions_;
  int64_t size_ = 0;
  std::unordered_map<std::string, Family> families_;
  std::unordered_map<std::string, int32_t> structures_;
};

}  // namespace cosearch::schedules
