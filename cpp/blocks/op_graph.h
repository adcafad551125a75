#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cosearch::blocks {

/*!
 * \brief One binding of a dataflow block, as the block finder sees it: what it computes and what it
 * reads, with no reference to TVM's IR. Values are numbered: 0 .. num_inputs-1 are the data inputs
 * of the function, then one value per op in program order.
 */
struct Op {
  /*! \brief Relax operator name ("relax.nn.conv2d"), or "tuple", "get_item", "call", "alias". */
  std::string name;
  /*! \brief Values read, in argument order; weights and constants are not values. */
  std::vector<int> inputs;
  /*! \brief Number of weight or constant tensors read (rank above 0). */
  int num_weights = 0;
  /*! \brief Scalar constants among the arguments, in argument order. */
  std::vector<double> scalars;
  /*! \brief Shape of the result; -1 for a symbolic extent; empty for a tuple or a scalar. */
  std::vector<int64_t> shape;
  /*! \brief Positions of channel and of height in `shape`, by the layout around the op. */
  int channel_axis = -1;
  int height_axis = -1;
  /*! \brief Convolutions and pools only. */
  int64_t kernel_h = 0, kernel_w = 0, stride_h = 1, stride_w = 1, groups = 1;
  /*! \brief Convolutions only: input and output channels. */
  int64_t in_channels = 0, out_channels = 0;
  /*! \brief Axes of a reduction or of a concat. */
  std::vector<int64_t> axes;
  /*! \brief Name of the user's mark that this op opens or belongs to, empty without one. */
  std::string mark;
};

/*! \brief The ops of one dataflow block in program order. */
struct OpGraph {
  int num_inputs = 0;
  std::vector<Op> ops;
  /*! \brief Values that live on after the block: they end it. */
  std::vector<int> outputs;
  /*! \brief Shapes of the data inputs. */
  std::vector<std::vector<int64_t>> input_shapes;
};

/*! \brief A block: a region of ops with one exit, and the blocks inside it. */
struct Region {
  /*! \brief Name of the pattern that matched: "mbconv", …, or "region". */
  std::string pattern;
  /*! \brief Indices into OpGraph::ops, ascending; the last one is the exit. */
  std::vector<int> ops;
  /*! \brief Values that enter the region (no weights). */
  std::vector<int> entries;
  /*! \brief Counts changes of resolution from the network's input to this region. */
  int stage = 0;
  /*! \brief Nested blocks, in program order; disjoint. */
  std::vector<Region> children;
};

/*! \brief What FindBlocks looks for. */
struct FinderOptions {
  /*! \brief Names of the patterns to use (see PatternNames()); empty for all. */
  std::vector<std::string> patterns;
};

/*! \brief Every pattern's name, most specific first; "region" is the general rule. */
const std::vector<std::string>& PatternNames();

/*!
 * \brief Partition a graph into blocks: outermost blocks in program order, disjoint, each with its
 * nested blocks. Ops that belong to no block (a lone reshape, say) are in none.
 * \throws std::invalid_argument for an unknown pattern name.
 */
std::vector<Region> FindBlocks(const OpGraph& graph, const FinderOptions& options);

}  // namespace cosearch::blocks
