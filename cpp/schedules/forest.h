// Knows nothing of TVM.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cosearch::schedules {

/*!
 * \brief Regression trees whose values are added up, as gradient boosting makes them.
 *
 * Nodes lie in arrays. A leaf has a negative `left`; an inner node sends a row to `left` where its
 * feature is less than `threshold`, and to `right` otherwise.
 */
class Forest {
 public:
  struct Node {
    int32_t feature;
    /*! \brief Of a leaf, its value. */
    float threshold;
    int32_t left;
    int32_t right;
  };

  /*!
   * \param nodes All trees' nodes; children are places in this array.
   * \param roots Places of the trees' roots.
   * \param base What is added to the sum of the leaves.
   * \param features Columns of a row.
   * \throws std::invalid_argument When a node points outside of the arrays, or not onwards: so each
   * walk ends.
   */
  Forest(std::vector<Node> nodes, std::vector<int32_t> roots, double base, int64_t features);

  /*! \brief Predicts a value for each of \p count rows. */
  void Predict(const float* rows, size_t count, double* out) const;

  int64_t features() const { return features_; }

 private:
  std::vector<Node> nodes_;
  std::vector<int32_t> roots_;
  double base_;
  int64_t features_;
};

}  // namespace cosearch::schedules
