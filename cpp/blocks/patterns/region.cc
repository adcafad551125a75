#include <algorithm>

#include "../finder_region.h"
#include "pattern.h"
#include "stage.h"

namespace cosearch::blocks {
namespace {

/*!
 * \brief The general rule: regions with one entry and one exit, closed at joins, at linear
 * bottlenecks and at changes of resolution, of what named patterns have left.
 */
class RegionFinder {
 public:
  RegionFinder(const MatchContext& context, Proposals* proposals)
      : view_(context.view),
        found_(context.found),
        proposals_(proposals),
        stages_(context.view, context.found),
        taken_(view_.end(), 0) {
    for (int node = view_.first_op(); node < view_.end(); ++node) {
      taken_[node] = context.found.Outermost(node) >= 0;
    }
  }

  void Find() {
    std::vector<const Run*> branches;  // linear ends of some join's branch
    for (const Run& run : view_.runs()) {
      const int reader = view_.only_user(run.exit);
      if (reader >= 0 && IsJoin(view_, reader)) {
        branches.push_back(&run);
      } else {
        FindChain(run);
      }
    }
    for (int node = view_.end() - 1; node >= view_.first_op(); --node) FindCell(node);
    for (int node = view_.end() - 1; node >= view_.first_op(); --node) FindJoin(node);
    for (const Run* run : branches) FindChain(*run);
  }

 private:
  bool IsFree(const std::vector<int>& ops) const {
    return std::none_of(ops.begin(), ops.end(), [&](int node) { return taken_[node] != 0; });
  }

  void Propose(std::vector<int> ops) {
    for (int node : ops) taken_[node] = 1;
    stages_.Add(ops.back());
    proposals_->push_back(std::move(ops));
  }

  /*! \brief A linear bottleneck and the convolutions before it, back to where a block ended. */
  void FindChain(const Run& last) {
    const bool linear = view_.kind(last.head) == Kind::kConv && !view_.is_depthwise(last.head) &&
                        !last.gated_activated && IsFree(last.ops);
    if (!linear || view_.escapes(last.exit) || view_.users(last.exit).empty()) return;
    if (view_.height(last.exit) == 1) return;  // layers of a gate or of a head
    std::vector<int> ops = last.gated_ops;
    const Run* first = &last;
    for (std::vector<int> between; const Run* run = view_.run_before(*first, &between);) {
      const bool bottleneck = !run->gated_activated && !view_.is_depthwise(run->head);
      const bool stem = !view_.is_op(view_.only_input(run->ops.front()));
      if (bottleneck || stem || !IsFree(run->gated_ops)) break;
      std::vector<int> longer = ops;
      longer.insert(longer.end(), between.begin(), between.end());
      longer.insert(longer.end(), run->gated_ops.begin(), run->gated_ops.end());
      Normalize(&longer);
      if (!HasOneResolutionChange(view_, longer)) break;
      ops = std::move(longer);
      between.clear();
      first = run;
    }
    if (first == &last) return;
    ExtendToNorm(view_, view_.only_input(first->ops.front()), &ops);
    Normalize(&ops);
    Propose(std::move(ops));
  }

  /*!
   * \brief A cell of several inputs (DARTS, NASNet): all that only this concat needs, back to the
   * concats of earlier cells.
   */
  void FindCell(int concat) {
    if (view_.kind(concat) != Kind::kConcat || view_.dead(concat) || taken_[concat]) return;
    std::vector<char> inside(view_.end(), 0);
    inside[concat] = 1;
    std::vector<int> ops = {concat};
    int joins = 0;
    for (int node = concat - 1; node >= view_.first_op(); --node) {
      const auto& users = view_.users(node);
      const bool other_cell = view_.kind(node) == Kind::kConcat && !taken_[node];
      if (other_cell || view_.escapes(node) || users.empty()) continue;
      if (!std::all_of(users.begin(), users.end(), [&](int user) { return inside[user] != 0; })) {
        continue;
      }
      inside[node] = 1;
      ops.push_back(node);
      joins += view_.kind(node) == Kind::kAdd;
    }
    Normalize(&ops);
    if (joins == 0 || EntriesOf(view_, ops).size() < 2 || !IsWorthwhile(ops, concat)) return;
    Propose(std::move(ops));
  }

  void FindJoin(int join) {
    const int entry = view_.dominator(join);
    if (!IsJoin(view_, join) || entry < 0) return;
    std::vector<int> ops = OpsBetween(view_, entry, join);
    if (ops.empty()) return;
    const int reader = view_.only_user(join);
    const bool partial =
        reader >= 0 && IsJoin(view_, reader) && taken_[join] && view_.dominator(reader) == entry;
    if (partial) return;  // of a longer sum
    if (view_.kind(join) == Kind::kConcat && HoldsConnectedUnits(view_, ops, join, entry)) return;
    ExtendToNorm(view_, entry, &ops);
    ExtendBehind(view_, join, &ops);
    Normalize(&ops);
    if (found_.Closes(ops.back())) return;
    if (IsWorthwhile(ops, join)) Propose(std::move(ops));
  }

  bool IsWorthwhile(const std::vector<int>& ops, int join) const {
    const bool called = std::any_of(ops.begin(), ops.end(),
                                    [&](int node) { return view_.kind(node) == Kind::kCall; });
    return !called && CountConvs(view_, ops) > 0 && HasOneResolutionChange(view_, ops) &&
           !stages_.IsStage(ops, join);
  }

  const GraphView& view_;
  const BlockFamily& found_;
  Proposals* proposals_;
  StageTest stages_;
  std::vector<char> taken_;  // ops of blocks found so far
};

}  // namespace

void MatchRegion(const MatchContext& context, Proposals* proposals) {
  RegionFinder(context, proposals).Find();
}

}  // namespace cosearch::blocks
