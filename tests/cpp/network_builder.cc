#include "network_builder.h"

#include <utility>

namespace cosearch::blocks::testing {

NetworkBuilder::NetworkBuilder(int64_t height, int64_t channels, Layout layout)
    : channel_axis_(layout == Layout::kNHWC ? 3 : 1),
      height_axis_(layout == Layout::kNHWC ? 1 : 2) {
  graph_.num_inputs = 1;
  graph_.input_shapes.push_back(layout == Layout::kNHWC
                                    ? std::vector<int64_t>{1, height, height, channels}
                                    : std::vector<int64_t>{1, channels, height, height});
}

int NetworkBuilder::Push(Op op) {
  if (op.shape.size() == 4 && op.channel_axis < 0) {
    op.channel_axis = channel_axis_;
    op.height_axis = height_axis_;
  }
  graph_.ops.push_back(std::move(op));
  return graph_.num_inputs + static_cast<int>(graph_.ops.size()) - 1;
}

const std::vector<int64_t>& NetworkBuilder::ShapeOf(int value) const {
  return value < graph_.num_inputs ? graph_.input_shapes[value]
                                   : graph_.ops[value - graph_.num_inputs].shape;
}

int NetworkBuilder::Like(const std::string& name, std::vector<int> inputs, int like) {
  Op op;
  op.name = name;
  op.inputs = std::move(inputs);
  op.shape = ShapeOf(like);
  return Push(std::move(op));
}

int NetworkBuilder::Weighted(const std::string& name, int x) {
  const int value = Like(name, {x}, x);
  graph_.ops.back().num_weights = 1;
  return value;
}

int NetworkBuilder::WithScalar(const std::string& name, int x, double scalar) {
  const int value = Like(name, {x}, x);
  graph_.ops.back().scalars = {scalar};
  return value;
}

int NetworkBuilder::Conv(int x, int64_t out, int64_t kernel, int64_t stride, int64_t groups) {
  Op op;
  op.name = "relax.nn.conv2d";
  op.inputs = {x};
  op.num_weights = 1;
  op.shape = ShapeOf(x);
  op.shape[channel_axis_] = out;
  for (int axis : {height_axis_, height_axis_ + 1})
    op.shape[axis] = (op.shape[axis] - 1) / stride + 1;
  op.kernel_h = op.kernel_w = kernel;
  op.stride_h = op.stride_w = stride;
  op.groups = groups;
  op.in_channels = ChannelsOf(x);
  op.out_channels = out;
  return Push(std::move(op));
}

int NetworkBuilder::Dense(int x, int64_t out) {
  Op op;
  op.name = "relax.matmul";
  op.inputs = {x};
  op.num_weights = 1;
  op.shape = ShapeOf(x);
  op.shape.back() = out;
  return Push(std::move(op));
}

int NetworkBuilder::BatchNorm(int x) {
  Op norm;
  norm.name = "relax.nn.batch_norm";
  norm.inputs = {x};
  norm.num_weights = 4;
  const int tuple = Push(std::move(norm));
  return Like("get_item", {tuple}, x);
}

int NetworkBuilder::HardSigmoid(int x) {
  const int clipped =
      WithScalar("relax.minimum", WithScalar("relax.maximum", WithScalar("relax.add", x, 3), 0), 6);
  return WithScalar("relax.divide", clipped, 6);
}

int NetworkBuilder::HardSwish(int x) { return Mul(x, HardSigmoid(x)); }

int NetworkBuilder::Concat(const std::vector<int>& parts) {
  int64_t channels = 0;
  for (int part : parts) channels += ChannelsOf(part);
  const int value = Like("relax.concat", parts, parts[0]);
  graph_.ops.back().shape[channel_axis_] = channels;
  graph_.ops.back().axes = {channel_axis_};
  return value;
}

int NetworkBuilder::Pool(const std::string& name, int x, int64_t kernel, int64_t stride) {
  const int value = Like(name, {x}, x);
  Op& op = graph_.ops.back();
  op.kernel_h = op.kernel_w = kernel;
  op.stride_h = op.stride_w = stride;
  for (int axis : {height_axis_, height_axis_ + 1})
    op.shape[axis] = (op.shape[axis] - 1) / stride + 1;
  return value;
}

int NetworkBuilder::GlobalPool(int x) {
  const int value = Like("relax.mean", {x}, x);
  Op& op = graph_.ops.back();
  op.axes = {height_axis_, height_axis_ + 1};
  op.shape[height_axis_] = op.shape[height_axis_ + 1] = 1;
  return value;
}

int NetworkBuilder::Reshape(int x, std::vector<int64_t> shape) {
  Op op;
  op.name = "relax.reshape";
  op.inputs = {x};
  op.shape = std::move(shape);
  return Push(std::move(op));
}

int NetworkBuilder::Permute(int x, std::vector<int64_t> shape) {
  const int value = Reshape(x, std::move(shape));
  graph_.ops.back().name = "relax.permute_dims";
  return value;
}

int NetworkBuilder::Slice(int x, int64_t channels) {
  const int value = Like("relax.strided_slice", {x}, x);
  graph_.ops.back().shape[channel_axis_] = channels;
  return value;
}

std::vector<int> NetworkBuilder::Halves(int x) {
  Op split;
  split.name = "relax.split";
  split.inputs = {x};
  const int tuple = Push(std::move(split));
  std::vector<int> halves;
  for (int i = 0; i < 2; ++i) {
    halves.push_back(Like("get_item", {tuple}, x));
    graph_.ops.back().shape[channel_axis_] /= 2;
  }
  return halves;
}

int NetworkBuilder::Shuffle(int x, int64_t groups) {
  const std::vector<int64_t> shape = ShapeOf(x);
  const int64_t height = shape[height_axis_], width = shape[height_axis_ + 1];
  const int64_t share = ChannelsOf(x) / groups;
  const int apart = Reshape(x, {1, height, width, groups, share});
  return Reshape(Permute(apart, {1, height, width, share, groups}), shape);
}

int NetworkBuilder::Excite(int x, int64_t hidden, bool dense) {
  const int64_t channels = ChannelsOf(x);
  int gate = GlobalPool(x);
  if (dense) {
    gate = Reshape(gate, {1, channels});
    gate = Bias(Dense(Relu(Bias(Dense(gate, hidden))), channels));
    gate = Sigmoid(gate);
    std::vector<int64_t> shape(4, 1);
    shape[channel_axis_] = channels;
    return Mul(x, Reshape(gate, shape));
  }
  gate = Relu(Bias(Conv(gate, hidden, 1)));
  return Mul(x, Sigmoid(Bias(Conv(gate, channels, 1))));
}

int NetworkBuilder::Mark(int value, const std::string& mark) {
  graph_.ops[value - graph_.num_inputs].mark = mark;
  return value;
}

OpGraph NetworkBuilder::Build(const std::vector<int>& outputs) const {
  OpGraph graph = graph_;
  graph.outputs = outputs;
  return graph;
}

std::vector<std::string> PatternsOf(const std::vector<Region>& regions) {
  std::vector<std::string> patterns;
  for (const Region& region : regions) patterns.push_back(region.pattern);
  return patterns;
}

std::vector<std::string> BlocksOf(const OpGraph& graph) {
  std::vector<std::string> patterns;
  for (const Region& region : FindBlocks(graph, {})) {
    if (region.pattern != "conv_norm_act") patterns.push_back(region.pattern);
  }
  return patterns;
}

}  // namespace cosearch::blocks::testing
