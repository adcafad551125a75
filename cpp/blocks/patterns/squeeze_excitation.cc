#include "pattern.h"

namespace cosearch::blocks {

void MatchSqueezeExcitation(const MatchContext& context, Proposals* proposals) {
  const GraphView& view = context.view;
  for (int node = view.first_op(); node < view.end(); ++node) {
    const Step* step = view.step_to(node);
    if (step != nullptr && step->excitation) proposals->push_back(step->ops);
  }
}

}  // namespace cosearch::blocks
