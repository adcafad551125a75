#pragma once

#include <vector>

#include "finder_view.h"

namespace cosearch::blocks {

/*! \brief How blocks of a pattern stand to others. */
enum class Nesting {
  kPinned,  // the user's: no other block may hold it
  kAny,     // may hold any block
  kBlock,   // a unit that networks stack; holds its operators only
  kPart,    // holds its operators only, but is itself what units are made of
  kLeaf,    // an operator with what follows it
};

/*! \brief A block that was accepted, by the number of its pattern. */
struct Block {
  int pattern = -1;
  Nesting nesting = Nesting::kAny;
  std::vector<int> ops;
};

/*! \brief Whether a block may hold another one. */
bool MayHold(const Block& outer, const Block& inner);

/*!
 * \brief Blocks of which any two are disjoint or one inside the other. It is the one gate through
 * which proposals pass: whatever a matcher says, what is kept may legally be outlined.
 */
class BlockFamily {
 public:
  explicit BlockFamily(const GraphView& view) : view_(view), owners_(view.end()) {}

  /*! \brief Accept the block unless it is illegal, cuts another one, or is one already. */
  bool Add(Block block);

  const std::vector<Block>& blocks() const { return blocks_; }
  /*! \brief The largest accepted block that holds `node`, or -1. */
  int Outermost(int node) const;
  /*! \brief Whether some accepted block's exit is `node`. */
  bool Closes(int node) const;
  /*! \brief The smallest block that properly holds this one, or -1. */
  int ParentOf(int block) const;

 private:
  const GraphView& view_;
  std::vector<Block> blocks_;
  std::vector<std::vector<int>> owners_;  // per node: blocks that hold it
};

}  // namespace cosearch::blocks
