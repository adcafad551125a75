#include "finder_family.h"

#include <algorithm>
#include <utility>

#include "finder_region.h"

namespace cosearch::blocks {

bool MayHold(const Block& outer, const Block& inner) {
  switch (outer.nesting) {
    case Nesting::kPinned:
      return true;
    case Nesting::kAny:
      return inner.nesting != Nesting::kPinned;
    case Nesting::kBlock:
    case Nesting::kPart:
      return inner.nesting == Nesting::kLeaf;
    case Nesting::kLeaf:
      return inner.nesting == Nesting::kLeaf && outer.pattern != inner.pattern;
  }
  return false;
}

bool BlockFamily::Add(Block block) {
  Tidy(view_, &block.ops);
  if (!IsLegal(view_, block.ops)) return false;
  std::vector<std::pair<int, size_t>> shared;  // accepted block, number of ops in common
  for (int node : block.ops) {
    for (int owner : owners_[node]) {
      auto it = std::find_if(shared.begin(), shared.end(),
                             [owner](const auto& entry) { return entry.first == owner; });
      if (it == shared.end()) {
        shared.emplace_back(owner, 1);
      } else {
        ++it->second;
      }
    }
  }
  for (const auto& [owner, count] : shared) {
    const Block& other = blocks_[owner];
    const bool inside = count == block.ops.size(), around = count == other.ops.size();
    if (inside == around) return false;  // it is cut, or it is the same region
    if (!(inside ? MayHold(other, block) : MayHold(block, other))) return false;
  }
  for (int node : block.ops) owners_[node].push_back(static_cast<int>(blocks_.size()));
  blocks_.push_back(std::move(block));
  return true;
}

int BlockFamily::Outermost(int node) const {
  int best = -1;
  for (int owner : owners_[node]) {
    if (best < 0 || blocks_[owner].ops.size() > blocks_[best].ops.size()) best = owner;
  }
  return best;
}

bool BlockFamily::Closes(int node) const {
  return std::any_of(owners_[node].begin(), owners_[node].end(),
                     [&](int owner) { return blocks_[owner].ops.back() == node; });
}

int BlockFamily::ParentOf(int block) const {
  int best = -1;
  for (int owner : owners_[blocks_[block].ops.back()]) {
    if (blocks_[owner].ops.size() <= blocks_[block].ops.size()) continue;
    if (best < 0 || blocks_[owner].ops.size() < blocks_[best].ops.size()) best = owner;
  }
  return best;
}

}  // namespace cosearch::blocks
