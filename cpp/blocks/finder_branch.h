#pragma once

#include <vector>

#include "finder_view.h"

namespace cosearch::blocks {

/*! \brief A convolution on a branch, with what comes after it up to the next one. */
struct Layer {
  int head = -1;
  bool activated = false;
  bool gated = false;  // squeeze-and-excitation
};

/*! \brief A path without forks from one value to another. */
struct Branch {
  std::vector<int> ops;       // unordered
  std::vector<Layer> layers;  // its convolutions, first one first
  bool identity = false;      // nothing on the way, or nothing but moves and scales
  bool pools = false;
};

/*! \brief Walk from `to` back to `from`; false where the path forks or goes elsewhere. */
bool WalkBranch(const GraphView& view, int from, int to, Branch* branch);

/*! \brief A sum of a main branch and a shortcut, both from one value. */
struct Residual {
  Branch main, shortcut;
  bool activated = false;  // an activation follows the sum
  std::vector<int> ops;    // legal to outline, ascending
};

/*! \brief Match a residual that is summed at `join`. */
bool MatchResidual(const GraphView& view, int join, Residual* residual);

}  // namespace cosearch::blocks
