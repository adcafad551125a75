#include <algorithm>

#include "../finder_region.h"
#include "nasbench201_edge.h"
#include "nasbench201_reader.h"
#include "pattern.h"

namespace cosearch::blocks {
namespace {

struct Cell {
  std::vector<int> ops;
  int entry = -1, exit = -1;
  bool free_edge = false, computes = false;
};

bool IsTaken(const std::vector<char>& taken, const std::vector<int>& ops) {
  return std::any_of(ops.begin(), ops.end(), [&](int node) { return taken[node] != 0; });
}

void Take(const std::vector<int>& ops, std::vector<char>* taken) {
  for (int node : ops) (*taken)[node] = 1;
}

std::vector<Cell> FindCells(const GraphView& view) {
  std::vector<Cell> cells;
  std::vector<char> taken(view.end(), 0);
  // From the last sum back: the sums inside a cell come after the cell's own.
  for (int node = view.end() - 1; node >= view.first_op(); --node) {
    Cell cell;
    cell.entry = view.dominator(node);
    if (view.kind(node) != Kind::kAdd || view.dead(node) || cell.entry < 0 || taken[node]) continue;
    const int reader = view.only_user(node);
    if (reader >= 0 && view.kind(reader) == Kind::kAdd && view.dominator(reader) == cell.entry) {
      continue;  // a part of a sum that was no cell
    }
    cell.ops = OpsBetween(view, cell.entry, node);
    Nasbench201Reader cell_reader(view, cell.entry);
    if (cell.ops.empty() || !cell_reader.Accepts(node, cell.ops)) continue;
    cell.free_edge = cell_reader.has_free_edge();
    cell.computes = cell_reader.computes();
    cell.exit = ExtendBehind(view, node, &cell.ops);
    Take(cell.ops, &taken);
    cells.push_back(std::move(cell));
  }
  std::reverse(cells.begin(), cells.end());
  return cells;
}

}  // namespace

void MatchNasbench201Cell(const MatchContext& context, Proposals* proposals) {
  const GraphView& view = context.view;
  std::vector<Cell> cells = FindCells(view);
  if (cells.empty()) ProposeNasbench201Chains(context, proposals);
  std::vector<char> taken(view.end(), 0);
  for (const Cell& cell : cells) Take(cell.ops, &taken);
  // A cell with a single sum may have one more edge in line with it: n1 = e(x) before, or
  // out = e(n2) behind. All cells of a network are alike, and the first one has nothing of an
  // earlier cell before it: so an edge before is this cell's unless an earlier one took it.
  for (Cell& cell : cells) {
    if (cell.free_edge) {
      std::vector<int> edge = EdgeBefore(view, cell.entry);
      if (edge.empty() || IsTaken(taken, edge)) edge = EdgeBehind(view, cell.exit);
      if (!edge.empty() && !IsTaken(taken, edge)) {
        Take(edge, &taken);
        cell.ops.insert(cell.ops.end(), edge.begin(), edge.end());
        cell.computes = true;
      }
    }
    if (cell.computes) proposals->push_back(std::move(cell.ops));
  }
}

}  // namespace cosearch::blocks
