#include "pattern.h"

namespace cosearch::blocks {

void MatchConvNormAct(const MatchContext& context, Proposals* proposals) {
  for (const Run& run : context.view.runs()) proposals->push_back(run.ops);
}

}  // namespace cosearch::blocks
