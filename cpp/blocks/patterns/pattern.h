#pragma once

#include <string>
#include <vector>

#include "../finder_branch.h"
#include "../finder_family.h"
#include "../finder_view.h"

namespace cosearch::blocks {

/*! \brief What a matcher may look at. */
struct MatchContext {
  const GraphView& view;
  /*! \brief The sums of two branches, in program order. */
  const std::vector<Residual>& residuals;
  /*! \brief What more specific patterns have found. */
  const BlockFamily& found;
};

/*! \brief Ops of proposed blocks; the finder keeps those that are legal and cut no other. */
using Proposals = std::vector<std::vector<int>>;

/*! \brief Propose every block of one pattern, the preferred ones first. */
using Matcher = void (*)(const MatchContext& context, Proposals* proposals);

struct Pattern {
  const char* name;
  Matcher match;
  Nesting nesting;
};

/*! \brief All patterns, the most specific first: the order in which blocks are claimed. */
const std::vector<Pattern>& Patterns();

void MatchMarked(const MatchContext& context, Proposals* proposals);
void MatchNasbench201Cell(const MatchContext& context, Proposals* proposals);
void MatchNasbench101Cell(const MatchContext& context, Proposals* proposals);
void MatchMBConv(const MatchContext& context, Proposals* proposals);
void MatchFusedMBConv(const MatchContext& context, Proposals* proposals);
void MatchResidualBasic(const MatchContext& context, Proposals* proposals);
void MatchResidualBottleneck(const MatchContext& context, Proposals* proposals);
void MatchInception(const MatchContext& context, Proposals* proposals);
void MatchDepthwiseSeparable(const MatchContext& context, Proposals* proposals);
void MatchRegion(const MatchContext& context, Proposals* proposals);
void MatchSqueezeExcitation(const MatchContext& context, Proposals* proposals);
void MatchConvNormAct(const MatchContext& context, Proposals* proposals);

}  // namespace cosearch::blocks
