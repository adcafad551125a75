// NAS-Bench-201 and NAS-Bench-101 cells, whole and degenerate, and their neighbours.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "network_builder.h"

namespace cosearch::blocks::testing {
namespace {

using Names = std::vector<std::string>;

/*! \brief Operations on edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3: Zero, Skip, 1, 3 or Pool. */
using Cell201 = std::string;

/*! \brief What an exporter makes of a zero edge. */
enum class Zero { kVanishes, kIsAProduct };

std::optional<int> Edge(NetworkBuilder* net, char op, std::optional<int> x, Zero zero) {
  if (op == 'Z' && zero == Zero::kIsAProduct) return net->WithScalar("relax.multiply", *x, 0);
  if (!x || op == 'Z') return std::nullopt;
  if (op == 'S') return x;
  if (op == 'P') return net->AvgPool(*x, 3, 1);
  return net->ConvBias(net->Relu(*x), net->ChannelsOf(*x), op - '0');
}

std::optional<int> Sum(NetworkBuilder* net, const std::vector<std::optional<int>>& terms) {
  std::optional<int> sum;
  for (const auto& term : terms) {
    if (term) sum = sum ? net->Add(*sum, *term) : *term;
  }
  return sum;
}

int AddCell(NetworkBuilder* net, const Cell201& cell, int x, Zero zero) {
  const auto edge = [&](int which, std::optional<int> from) {
    return Edge(net, cell[which], from, zero);
  };
  const auto n1 = edge(0, x);
  const auto n2 = Sum(net, {edge(1, x), edge(2, n1)});
  return *Sum(net, {edge(3, x), edge(4, n1), edge(5, n2)});
}

/*! \brief Two stages of three cells with the published reduction block between them. */
OpGraph Network201(const Cell201& cell, Zero zero = Zero::kVanishes) {
  NetworkBuilder net(32, 3);
  int x = net.ConvBias(0, 16, 3);
  for (int i = 0; i < 3; ++i) x = AddCell(&net, cell, x, zero);
  const int y = net.ConvBias(net.Relu(net.ConvBias(net.Relu(x), 32, 3, 2)), 32, 3);
  x = net.Add(net.Conv(net.AvgPool(x, 2, 2), 32, 1), y);
  for (int i = 0; i < 3; ++i) x = AddCell(&net, cell, x, zero);
  x = net.GlobalPool(net.Relu(net.Bias(net.Scale(x))));
  return net.Build({x});
}

class Nasbench201 : public ::testing::TestWithParam<Cell201> {};

TEST_P(Nasbench201, EveryCellIsABlock) {
  const auto regions = FindBlocks(Network201(GetParam()), {});
  const Names cells(3, "nasbench201_cell");
  Names expected = {"conv_norm_act"};
  expected.insert(expected.end(), cells.begin(), cells.end());
  expected.push_back("residual_basic");
  expected.insert(expected.end(), cells.begin(), cells.end());
  EXPECT_EQ(PatternsOf(regions), expected);
  EXPECT_EQ(regions[2].entries, std::vector<int>{regions[1].ops.back() + 1})
      << "gaps between cells";
}

INSTANTIATE_TEST_SUITE_P(Cells, Nasbench201,
                         ::testing::Values("333333", "111111", "PPPPPP", "PPPPP3", "3SP1S3",
                                           "SSS3SS",            // sums that ran together
                                           "3SSSS3",            // an edge that is summed twice
                                           "Z3ZSZS", "Z3Z1ZP",  // node 1 is zero
                                           "3Z1ZSS", "1Z3Z11",  // an edge in line, before
                                           "331ZZ1", "P3SZZP"   // and behind
                                           ));

/*! \brief Number of ways from x to the output that are not zero. */
int PathsOf(const Cell201& cell) {
  const auto open = [&](int edge) { return cell[edge] != 'Z'; };
  const int n1 = open(0), n2 = open(1) + open(2) * n1;
  return open(3) + open(4) * n1 + open(5) * n2;
}

/*! \brief Whether some way from x to the output computes something. */
bool Computes(const Cell201& cell) {
  const auto way = [&](std::initializer_list<int> edges) {
    return std::none_of(edges.begin(), edges.end(), [&](int e) { return cell[e] == 'Z'; }) &&
           std::any_of(edges.begin(), edges.end(), [&](int e) { return cell[e] != 'S'; });
  };
  return way({3}) || way({0, 4}) || way({1, 5}) || way({0, 2, 5});
}

Cell201 CellOf(int code) {
  const std::string ops = "ZS13P";
  Cell201 cell(6, ' ');
  for (int edge = 0; edge < 6; ++edge, code /= 5) cell[edge] = ops[code % 5];
  return cell;
}

const Names kWhole201 = {"conv_norm_act",    "nasbench201_cell", "nasbench201_cell",
                         "nasbench201_cell", "residual_basic",   "nasbench201_cell",
                         "nasbench201_cell", "nasbench201_cell"};

TEST(Nasbench201Cells, AllOfTheBenchmarkThatHaveASumAreFound) {
  int cells = 0;
  for (int code = 0; code < 15625; ++code) {
    const Cell201 cell = CellOf(code);
    if (PathsOf(cell) < 2 || !Computes(cell)) continue;
    ASSERT_EQ(PatternsOf(FindBlocks(Network201(cell), {})), kWhole201) << cell;
    ++cells;
  }
  EXPECT_EQ(cells, 12861) << "the others are chains, or nothing";
}

TEST(Nasbench201Cells, ZeroEdgesThatAreProductsAreEdges) {
  for (int code = 0; code < 15625; code += 13) {
    const Cell201 cell = CellOf(code);
    if (!Computes(cell)) continue;
    ASSERT_EQ(PatternsOf(FindBlocks(Network201(cell, Zero::kIsAProduct), {})), kWhole201) << cell;
  }
}

TEST(Nasbench201Cells, ChainsAreFoundBetweenReductionBlocks) {
  for (const Cell201 cell : {"ZZZ3ZZ", "Z1ZZZ3", "3ZZZPZ", "3Z1ZZ3"}) {
    EXPECT_EQ(PatternsOf(FindBlocks(Network201(cell), {})), kWhole201) << cell;
  }
  // Without them nothing tells the cells from plain runs.
  NetworkBuilder net(32, 3);
  int x = net.ConvBias(0, 16, 3);
  for (int i = 0; i < 3; ++i) x = AddCell(&net, "Z1ZZZ3", x, Zero::kVanishes);
  EXPECT_EQ(BlocksOf(net.Build({net.GlobalPool(net.Relu(x))})), Names());
}

TEST(Nasbench201Cells, OneReluBeforeTheCellServesAllItsEdges) {
  NetworkBuilder net;
  int x = net.ConvBias(0, 16, 3);
  for (int i = 0; i < 2; ++i) {
    const int open = net.Relu(x);
    const int n1 = net.ConvBias(open, 16, 3);
    const int n2 = net.Add(net.ConvBias(open, 16, 1), net.ConvBias(net.Relu(n1), 16, 3));
    x = net.Add(net.ConvBias(open, 16, 3), net.ConvBias(net.Relu(n2), 16, 1));
  }
  EXPECT_EQ(BlocksOf(net.Build({x})), Names(2, "nasbench201_cell"));
}

TEST(Nasbench201Cells, NeighboursAreNotTakenForCells) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 16, 3);
  // ResNet: the shortcut takes the rectified value, which a cell would rectify anew.
  const int y = net.Relu(net.Add(x, net.ConvBias(net.ConvRelu(x, 16, 3), 16, 3)));
  // Five edges from x are more than a cell has.
  int sum = net.ConvBias(net.Relu(net.MaxPool(y, 3, 1)), 16, 3);
  const int entry = sum;
  for (int i = 0; i < 5; ++i) sum = net.Add(sum, net.ConvBias(net.Relu(entry), 16, 3));
  const Names found = BlocksOf(net.Build({sum}));
  EXPECT_EQ(found, (Names{"residual_basic", "region"}));
}

struct Cell101 {
  std::vector<std::vector<int>> matrix;
  std::string ops;  // '1', '3' or 'P' per inner vertex
};

std::vector<int64_t> VertexChannels(const Cell101& cell, int64_t in, int64_t out) {
  const int count = static_cast<int>(cell.matrix.size());
  std::vector<int64_t> channels(count, 0);
  channels[0] = in;
  channels[count - 1] = out;
  int64_t degree = 0;
  for (int v = 1; v + 1 < count; ++v) degree += cell.matrix[v][count - 1];
  int64_t rest = degree ? out % degree : 0;
  for (int v = 1; v + 1 < count; ++v) {
    if (cell.matrix[v][count - 1]) channels[v] = out / degree + (rest-- > 0 ? 1 : 0);
  }
  for (int v = count - 3; v > 0; --v) {
    if (cell.matrix[v][count - 1]) continue;
    for (int to = v + 1; to + 1 < count; ++to) {
      if (cell.matrix[v][to]) channels[v] = std::max(channels[v], channels[to]);
    }
  }
  return channels;
}

int AddCell(NetworkBuilder* net, const Cell101& cell, int x, int64_t out) {
  const int count = static_cast<int>(cell.matrix.size());
  const auto channels = VertexChannels(cell, net->ChannelsOf(x), out);
  std::vector<int> values(count, x), parts;
  for (int v = 1; v + 1 < count; ++v) {
    std::vector<std::optional<int>> terms;
    for (int from = 1; from < v; ++from) {
      if (!cell.matrix[from][v]) continue;
      const bool cut = channels[from] > channels[v];
      terms.push_back(cut ? net->Slice(values[from], channels[v]) : values[from]);
    }
    if (cell.matrix[0][v]) terms.push_back(net->ConvRelu(x, channels[v], 1));
    const int sum = *Sum(net, terms);
    const char op = cell.ops[v - 1];
    values[v] = op == 'P' ? net->MaxPool(sum, 3, 1) : net->ConvRelu(sum, channels[v], op - '0');
    if (cell.matrix[v][count - 1]) parts.push_back(values[v]);
  }
  const int joined = parts.size() == 1 ? parts[0] : net->Concat(parts);
  return cell.matrix[0][count - 1] ? net->Add(joined, net->ConvRelu(x, out, 1)) : joined;
}

class Nasbench101 : public ::testing::TestWithParam<Cell101> {};

TEST_P(Nasbench101, EveryCellIsABlock) {
  NetworkBuilder net(32, 3);
  int x = net.ConvRelu(0, 32, 3);
  for (const int64_t out : {32, 64}) {
    if (out != 32) x = net.MaxPool(x, 2, 2);
    for (int i = 0; i < 2; ++i) x = AddCell(&net, GetParam(), x, out);
  }
  const auto regions = FindBlocks(net.Build({net.GlobalPool(x)}), {});
  ASSERT_EQ(PatternsOf(regions), (Names{"conv_norm_act", "nasbench101_cell", "nasbench101_cell",
                                        "nasbench101_cell", "nasbench101_cell"}));
  EXPECT_EQ(regions[2].entries, std::vector<int>{regions[1].ops.back() + 1});
  EXPECT_EQ(regions[4].stage, 1);
}

INSTANTIATE_TEST_SUITE_P(
    Cells, Nasbench101,
    ::testing::Values(
        // The example of the benchmark's own documentation, which is Inception-like.
        Cell101{{{0, 1, 1, 1, 0, 1, 0},
                 {0, 0, 0, 0, 0, 0, 1},
                 {0, 0, 0, 0, 0, 0, 1},
                 {0, 0, 0, 0, 1, 0, 0},
                 {0, 0, 0, 0, 0, 0, 1},
                 {0, 0, 0, 0, 0, 0, 1},
                 {0, 0, 0, 0, 0, 0, 0}},
                "1333P"},
        // Inner sums, cut channels, input added to the output.
        Cell101{{{0, 1, 1, 0, 0, 0, 1},
                 {0, 0, 0, 1, 0, 0, 0},
                 {0, 0, 0, 1, 0, 0, 1},
                 {0, 0, 0, 0, 1, 0, 0},
                 {0, 0, 0, 0, 0, 1, 0},
                 {0, 0, 0, 0, 0, 0, 1},
                 {0, 0, 0, 0, 0, 0, 0}},
                "31P33"},
        // ResNet-like: one path, and the input added.
        Cell101{
            {{0, 1, 0, 0, 1}, {0, 0, 1, 0, 0}, {0, 0, 0, 1, 0}, {0, 0, 0, 0, 1}, {0, 0, 0, 0, 0}},
            "131"},
        // The output is one vertex that reads a sum.
        Cell101{
            {{0, 1, 1, 1, 0}, {0, 0, 0, 1, 0}, {0, 0, 0, 1, 0}, {0, 0, 0, 0, 1}, {0, 0, 0, 0, 0}},
            "3P3"}));

TEST(Nasbench101Cells, TenEdgesAreMoreThanACellHas) {
  const Cell101 cell{{{0, 1, 1, 0, 0, 1, 1},
                      {0, 0, 0, 1, 0, 0, 0},
                      {0, 0, 0, 1, 0, 0, 1},
                      {0, 0, 0, 0, 1, 0, 0},
                      {0, 0, 0, 0, 0, 1, 0},
                      {0, 0, 0, 0, 0, 0, 1},
                      {0, 0, 0, 0, 0, 0, 0}},
                     "31P33"};
  NetworkBuilder net;
  const int x = AddCell(&net, cell, net.ConvRelu(0, 32, 3), 32);
  EXPECT_EQ(BlocksOf(net.Build({x})), (Names{"region"}));
}

TEST(Nasbench101Cells, ConcatOfBranchesThatReadTheInputIsInception) {
  NetworkBuilder net;
  const int x = net.ConvRelu(0, 32, 3);
  const int y = net.Concat({net.ConvRelu(net.ConvRelu(x, 16, 1), 16, 3), net.ConvRelu(x, 16, 1)});
  // A cell shares out the output's channels evenly among the vertices.
  const int z = net.Concat(
      {net.ConvRelu(net.ConvRelu(y, 16, 1), 16, 3), net.ConvRelu(net.ConvRelu(y, 8, 1), 8, 3)});
  EXPECT_EQ(BlocksOf(net.Build({z})), (Names{"inception", "inception"}));
}

}  // namespace
}  // namespace cosearch::blocks::testing
