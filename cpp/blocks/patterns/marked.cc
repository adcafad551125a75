#include <map>
#include <string>

#include "pattern.h"

namespace cosearch::blocks {
namespace {

/*! \brief The ops and all that lies on paths between them. */
std::vector<int> FillGaps(const GraphView& view, const std::vector<int>& ops) {
  const int first = ops.front(), last = ops.back();
  std::vector<char> after(last - first + 1, 0), before(last - first + 1, 0);
  for (int node : ops) after[node - first] = before[node - first] = 1;
  for (int node = first; node <= last; ++node) {
    for (int input : view.inputs(node)) {
      if (input >= first && after[input - first]) after[node - first] = 1;
    }
  }
  for (int node = last; node >= first; --node) {
    for (int user : view.users(node)) {
      if (user <= last && before[user - first]) before[node - first] = 1;
    }
  }
  std::vector<int> filled;
  for (int node = first; node <= last; ++node) {
    if (after[node - first] && before[node - first]) filled.push_back(node);
  }
  return filled;
}

}  // namespace

void MatchMarked(const MatchContext& context, Proposals* proposals) {
  const GraphView& view = context.view;
  std::map<std::string, std::vector<int>> members;
  for (int node = view.first_op(); node < view.end(); ++node) {
    const std::string& mark = view.op(node).mark;
    if (!mark.empty() && !view.dead(node)) members[mark].push_back(node);
  }
  for (const auto& [mark, ops] : members) proposals->push_back(FillGaps(view, ops));
}

}  // namespace cosearch::blocks
