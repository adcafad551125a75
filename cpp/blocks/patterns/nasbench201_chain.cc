#include <algorithm>
#include <string>

#include "../finder_region.h"
#include "nasbench201_edge.h"

namespace cosearch::blocks {
namespace {

constexpr size_t kLongestWay = 3;      // edges 0→1, 1→2, 2→3
constexpr size_t kPublishedCells = 5;  // of a stage

/*! \brief Edges in line, in program order, and their operators as letters. */
struct Chain {
  std::vector<std::vector<int>> edges;
  std::string letters;
};

/*! \brief The reduction block: two 3×3 convolutions, and 2×2 pooling and a 1×1 as the shortcut. */
bool IsReduction(const GraphView& view, const Residual& residual) {
  const auto &main = residual.main.layers, &shortcut = residual.shortcut.layers;
  return main.size() == 2 && view.is_spatial_conv(main[0].head) &&
         view.is_spatial_conv(main[1].head) && view.op(main[0].head).stride_h == 2 &&
         residual.shortcut.pools && shortcut.size() == 1 &&
         view.is_pointwise_conv(shortcut[0].head);
}

/*! \brief The op of an edge that computes: its convolution or pooling. */
int HeadOf(const GraphView& view, const std::vector<int>& edge) {
  return *std::find_if(edge.begin(), edge.end(), [&](int node) {
    return IsNasbench201Conv(view, node) || IsNasbench201Pool(view, node);
  });
}

char LetterOf(const GraphView& view, const std::vector<int>& edge) {
  const int head = HeadOf(view, edge);
  return view.is_conv(head) ? static_cast<char>('0' + view.op(head).kernel_h) : 'P';
}

Chain ChainBefore(const GraphView& view, int value) {
  Chain chain;
  for (auto edge = EdgeBefore(view, value); !edge.empty(); edge = EdgeBefore(view, value)) {
    if (!chain.edges.empty() && view.only_user(value) < 0) break;
    value = view.only_input(HeadOf(view, edge));
    chain.edges.push_back(std::move(edge));
  }
  std::reverse(chain.edges.begin(), chain.edges.end());
  for (const auto& edge : chain.edges) chain.letters += LetterOf(view, edge);
  return chain;
}

Chain ChainBehind(const GraphView& view, int value) {
  Chain chain;
  for (auto edge = EdgeBehind(view, value); !edge.empty(); edge = EdgeBehind(view, value)) {
    value = *std::max_element(edge.begin(), edge.end());
    chain.letters += LetterOf(view, edge);
    chain.edges.push_back(std::move(edge));
  }
  return chain;
}

/*! \brief Edges of one cell: the published number of cells if that fits, or the shortest period. */
size_t PeriodOf(const std::string& letters) {
  const auto repeats = [&](size_t period) {
    return period >= 1 && period <= std::min(kLongestWay, letters.size()) &&
           letters.size() % period == 0 &&
           letters.compare(period, std::string::npos, letters, 0, letters.size() - period) == 0;
  };
  const size_t published = letters.size() / kPublishedCells;
  if (letters.size() % kPublishedCells == 0 && repeats(published)) return published;
  for (size_t period = 1; period <= kLongestWay; ++period) {
    if (repeats(period)) return period;
  }
  return 0;
}

}  // namespace

void ProposeNasbench201Chains(const MatchContext& context, Proposals* proposals) {
  const GraphView& view = context.view;
  std::vector<Chain> chains;
  int last = -1;
  for (const Residual& residual : context.residuals) {
    if (!IsReduction(view, residual)) continue;
    chains.push_back(ChainBefore(view, EntriesOf(view, residual.ops)[0]));
    last = residual.ops.back();
  }
  if (last < 0) return;
  chains.push_back(ChainBehind(view, last));
  const std::string& letters = chains[0].letters;
  const size_t period = PeriodOf(letters);
  const bool alike = std::all_of(chains.begin(), chains.end(),
                                 [&](const Chain& chain) { return chain.letters == letters; });
  // Pooling alone is not worth a function.
  if (!alike || period == 0 || letters.find_first_not_of('P') == std::string::npos) return;
  for (const Chain& chain : chains) {
    for (size_t start = 0; start < chain.edges.size(); start += period) {
      std::vector<int> ops;
      for (size_t i = start; i < start + period; ++i) {
        ops.insert(ops.end(), chain.edges[i].begin(), chain.edges[i].end());
      }
      Normalize(&ops);
      proposals->push_back(std::move(ops));
    }
  }
}

}  // namespace cosearch::blocks
