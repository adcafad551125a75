// Builds OpGraphs the way that the frontend's normal form looks, for tests of the block finder.
#pragma once

#include <string>
#include <vector>

#include "blocks/op_graph.h"

namespace cosearch::blocks::testing {

enum class Layout { kNHWC, kNCHW };

/*! \brief Appends ops to a graph; every method returns the number of the new value. */
class NetworkBuilder {
 public:
  explicit NetworkBuilder(int64_t height = 32, int64_t channels = 16,
                          Layout layout = Layout::kNHWC);

  int input() const { return 0; }
  int Conv(int x, int64_t out, int64_t kernel, int64_t stride = 1, int64_t groups = 1);
  int Depthwise(int x, int64_t kernel, int64_t stride = 1) {
    return Conv(x, ChannelsOf(x), kernel, stride, ChannelsOf(x));
  }
  int Dense(int x, int64_t out);
  /*! \brief Adds a constant per channel: a bias, or a folded batch-norm. */
  int Bias(int x) { return Weighted("relax.add", x); }
  int Scale(int x) { return Weighted("relax.multiply", x); }
  /*! \brief Unfolded: a tuple and its first item. */
  int BatchNorm(int x);
  int Unary(const std::string& name, int x) { return Like(name, {x}, x); }
  int Relu(int x) { return Unary("relax.nn.relu", x); }
  int Relu6(int x) { return WithScalar("relax.minimum", Relu(x), 6); }
  int Sigmoid(int x) { return Unary("relax.sigmoid", x); }
  /*! \brief Written out: x * min(max(x + 3, 0), 6) / 6. */
  int HardSwish(int x);
  int HardSigmoid(int x);
  /*! \brief Written out: x * sigmoid(x). */
  int Silu(int x) { return Mul(x, Sigmoid(x)); }
  int WithScalar(const std::string& name, int x, double scalar);
  /*! \brief Convolution, bias, ReLU. */
  int ConvRelu(int x, int64_t out, int64_t kernel, int64_t stride = 1, int64_t groups = 1) {
    return Relu(ConvBias(x, out, kernel, stride, groups));
  }
  int ConvBias(int x, int64_t out, int64_t kernel, int64_t stride = 1, int64_t groups = 1) {
    return Bias(Conv(x, out, kernel, stride, groups));
  }
  int Add(int a, int b) { return Like("relax.add", {a, b}, a); }
  int Mul(int a, int b) { return Like("relax.multiply", {a, b}, a); }
  int Concat(const std::vector<int>& parts);
  int MaxPool(int x, int64_t kernel, int64_t stride) {
    return Pool("relax.nn.max_pool2d", x, kernel, stride);
  }
  int AvgPool(int x, int64_t kernel, int64_t stride) {
    return Pool("relax.nn.avg_pool2d", x, kernel, stride);
  }
  int GlobalPool(int x);
  int Reshape(int x, std::vector<int64_t> shape);
  int Permute(int x, std::vector<int64_t> shape);
  /*! \brief `channels` of x, by one op each. */
  int Slice(int x, int64_t channels);
  /*! \brief The halves of x's channels, by one split and two getters. */
  std::vector<int> Halves(int x);
  int Shuffle(int x, int64_t groups);
  /*! \brief Squeeze-and-excitation by two 1×1 convolutions, or by dense layers. */
  int Excite(int x, int64_t hidden, bool dense = false);
  int Mark(int value, const std::string& mark);

  int64_t ChannelsOf(int value) const { return ShapeOf(value)[channel_axis_]; }
  /*! \brief The graph with all that was built. */
  OpGraph Build(const std::vector<int>& outputs) const;

 private:
  int Push(Op op);
  int Like(const std::string& name, std::vector<int> inputs, int like);
  int Weighted(const std::string& name, int x);
  int Pool(const std::string& name, int x, int64_t kernel, int64_t stride);
  const std::vector<int64_t>& ShapeOf(int value) const;

  OpGraph graph_;
  int channel_axis_, height_axis_;
};

/*! \brief Names of the outermost blocks' patterns, in program order. */
std::vector<std::string> PatternsOf(const std::vector<Region>& regions);

/*! \brief Patterns of the outermost blocks that are left when plain runs are left out. */
std::vector<std::string> BlocksOf(const OpGraph& graph);

}  // namespace cosearch::blocks::testing
