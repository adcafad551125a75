#include "schedules/forest.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace cosearch::schedules {

Forest::Forest(std::vector<Node> nodes, std::vector<int32_t> roots, double base, int64_t features)
    : nodes_(std::move(nodes)), roots_(std::move(roots)), base_(base), features_(features) {
  const auto size = static_cast<int32_t>(nodes_.size());
  for (int32_t root : roots_) {
    if (root < 0 || root >= size) throw std::invalid_argument("a tree's root is no node");
  }
  for (int32_t place = 0; place < size; ++place) {
    const Node& node = nodes_[place];
    if (node.left < 0) continue;
    if (node.left <= place || node.right <= place || node.left >= size || node.right >= size) {
      throw std::invalid_argument("a node's children are not nodes after it");
    }
    if (node.feature < 0 || node.feature >= features_) {
      throw std::invalid_argument("a node asks for a feature that no row has");
    }
  }
}

void Forest::Predict(const float* rows, size_t count, double* out) const {
  std::fill(out, out + count, base_);
  // Tree by tree: its nodes stay in the cache while all rows pass.
  for (int32_t root : roots_) {
    const float* row = rows;
    for (size_t i = 0; i < count; ++i, row += features_) {
      const Node* node = &nodes_[root];
      while (node->left >= 0) {
        node = &nodes_[row[node->feature] < node->threshold ? node->left : node->right];
      }
      out[i] += node->threshold;
    }
  }
}

}  // namespace cosearch::schedules
