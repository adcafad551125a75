#include "schedules/similarity_index.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace cosearch::schedules {
namespace {

// Ordered so that the greatest is the one to drop.
bool IsBetter(const Neighbour& a, const Neighbour& b) {
  return std::tuple(!a.same_structure, a.distance, a.row) <
         std::tuple(!b.same_structure, b.distance, b.row);
}

}  // namespace

void SimilarityIndex::Add(const std::string& structure, const std::string& kind,
                          const float* point) {
  const auto number = static_cast<int32_t>(structures_.size());
  Family& family = families_[kind];
  family.points.insert(family.points.end(), point, point + dimensions_);
  family.rows.push_back(size_++);
  family.structures.push_back(structures_.emplace(structure, number).first->second);
}

std::vector<Neighbour> SimilarityIndex::Query(const std::string& structure, const std::string& kind,
                                              const float* point, size_t k) const {
  std::vector<Neighbour> nearest;
  auto found = families_.find(kind);
  if (found == families_.end() || k == 0) return nearest;
  const Family& family = found->second;
  const int32_t number = Number(structure);
  nearest.reserve(k + 1);
  const float* other = family.points.data();
  for (size_t i = 0; i < family.rows.size(); ++i, other += dimensions_) {
    float squares = 0.0F;
    for (size_t d = 0; d < dimensions_; ++d) {
      const float difference = point[d] - other[d];
      squares += difference * difference;
    }
    const Neighbour candidate{family.rows[i], family.structures[i] == number, squares};
    if (nearest.size() == k && !IsBetter(candidate, nearest.front())) continue;
    nearest.push_back(candidate);
    std::push_heap(nearest.begin(), nearest.end(), IsBetter);
    if (nearest.size() > k) {
      std::pop_heap(nearest.begin(), nearest.end(), IsBetter);
      nearest.pop_back();
    }
  }
  std::sort_heap(nearest.begin(), nearest.end(), IsBetter);
  for (Neighbour& neighbour : nearest) neighbour.distance = std::sqrt(neighbour.distance);
  return nearest;
}

int32_t SimilarityIndex::Number(const std::string& structure) const {
  auto found = structures_.find(structure);
  return found == structures_.end() ? -1 : found->second;
}

}  // namespace cosearch::schedules
