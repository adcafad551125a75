#include <algorithm>
#include <stdexcept>

#include "finder_region.h"
#include "op_graph.h"
#include "patterns/pattern.h"

namespace cosearch::blocks {
namespace {

std::vector<char> SelectPatterns(const FinderOptions& options) {
  const auto& names = PatternNames();
  std::vector<char> selected(names.size(), options.patterns.empty() ? 1 : 0);
  for (const std::string& name : options.patterns) {
    auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end()) {
      std::string known;
      for (const std::string& other : names) known += (known.empty() ? "" : ", ") + other;
      throw std::invalid_argument("unknown block pattern \"" + name + "\"; known are " + known);
    }
    selected[it - names.begin()] = 1;
  }
  return selected;
}

std::vector<Residual> FindResiduals(const GraphView& view) {
  std::vector<Residual> residuals;
  for (int node = view.first_op(); node < view.end(); ++node) {
    Residual residual;
    if (!view.dead(node) && MatchResidual(view, node, &residual)) {
      residuals.push_back(std::move(residual));
    }
  }
  return residuals;
}

Region ToRegion(const GraphView& view, const Block& block) {
  Region region;
  region.pattern = Patterns()[block.pattern].name;
  for (int node : block.ops) region.ops.push_back(node - view.first_op());
  region.entries = EntriesOf(view, block.ops);
  region.stage = view.stage(block.ops.back());
  return region;
}

/*! \brief Hang every block into its parent; blocks of one parent in the order of their exits. */
std::vector<Region> ToForest(const GraphView& view, const BlockFamily& family) {
  const auto& blocks = family.blocks();
  std::vector<int> order(blocks.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  // Inner blocks before their parents, so that a parent moves with all its children.
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    const auto &first = blocks[a].ops, &second = blocks[b].ops;
    if (first.back() != second.back()) return first.back() < second.back();
    return first.size() < second.size();
  });
  std::vector<Region> regions, roots;
  for (const Block& block : blocks) regions.push_back(ToRegion(view, block));
  for (int index : order) {
    const int parent = family.ParentOf(index);
    auto& siblings = parent < 0 ? roots : regions[parent].children;
    siblings.push_back(std::move(regions[index]));
  }
  return roots;
}

}  // namespace

const std::vector<std::string>& PatternNames() {
  static const auto* names = [] {
    auto* all = new std::vector<std::string>;
    for (const Pattern& pattern : Patterns()) all->emplace_back(pattern.name);
    return all;
  }();
  return *names;
}

std::vector<Region> FindBlocks(const OpGraph& graph, const FinderOptions& options) {
  const std::vector<char> selected = SelectPatterns(options);
  const GraphView view(graph);
  const std::vector<Residual> residuals = FindResiduals(view);
  BlockFamily family(view);
  for (size_t index = 0; index < selected.size(); ++index) {
    if (!selected[index]) continue;
    const Pattern& pattern = Patterns()[index];
    Proposals proposals;
    pattern.match({view, residuals, family}, &proposals);
    for (auto& ops : proposals) {
      family.Add({static_cast<int>(index), pattern.nesting, std::move(ops)});
    }
  }
  return ToForest(view, family);
}

}  // namespace cosearch::blocks
