#include "schedules/describe_workload.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "blocks/index_terms.h"
#include "blocks/loop_nests.h"
#include "blocks/workload_signature.h"
#include "ir/prim.h"

namespace cosearch::schedules {
namespace {

using ir::Expr;
using ir::Stmt;

// Sizes from which a core's first, second and last cache are taken to be outgrown.
constexpr std::array<double, 3> kCacheBytes = {32 << 10, 1 << 20, 16 << 20};

int64_t Constant(const Expr& extent) {
  const auto* literal = extent.as<ir::IntImmNode>();
  if (literal == nullptr) throw std::invalid_argument("an extent is not constant");
  return static_cast<int64_t>(literal->value());
}

// The one block of a nest of TE or FuseTIR; null for anything else.
const ir::SBlockNode* FindBlock(Stmt stmt) {
  while (const auto* loop = stmt.as<ir::ForNode>()) stmt = loop->body();
  const auto* realize = stmt.as<ir::SBlockRealizeNode>();
  return realize == nullptr ? nullptr : realize->block().operator->();
}

class NestReader {
 public:
  explicit NestReader(const ir::SBlockNode* block) {
    Iterator* last = nullptr;
    for (const ir::IterVar& iter : block->iter_vars()) {
      const int64_t extent = Constant(iter->dom()->extent());
      const bool reduces = iter->iter_type() == ir::kCommReduce;
      (reduces ? reduction_ : spatial_).push_back(extent);
      iterations_ *= static_cast<double>(extent);
      vars_[iter->var().get()] = {reduces, !reduces && extent > 1};
      if (!reduces) last = &vars_[iter->var().get()];
    }
    if (last != nullptr) last->is_row = false;
    VisitStmt(block->body());
  }

  bool reduces() const { return !reduction_.empty(); }
  double iterations() const { return iterations_; }

  std::vector<double> Coordinates(size_t nests) const {
    std::vector<double> out;
    AddExtents(spatial_, 4, &out);
    AddExtents(reduction_, 3, &out);
    double bytes = 0, weight = 1;
    for (const auto& [buffer, access] : buffers_) {
      bytes += access.bytes;
      if (access.is_weight) weight = std::max(weight, access.bytes);
    }
    const double operations = (reduces() ? 2.0 : 1.0) * iterations_;
    double outgrown = 0;
    for (double cache : kCacheBytes) outgrown += bytes > cache;
    for (double value : {stride_, dilation_, operations / bytes, bytes, weight}) {
      out.push_back(std::log2(value));
    }
    out.push_back(outgrown);
    out.push_back(std::log2(static_cast<double>(nests)));
    return out;
  }

 private:
  struct Iterator {
    bool reduces;
    // A spatial axis of more than one step, and not the last one.
    bool is_row;
  };

  struct Access {
    double bytes;
    bool is_weight;
  };

  static void AddExtents(const std::vector<int64_t>& extents, size_t count,
                         std::vector<double>* out) {
    for (size_t i = 0; i < count; ++i) {
      const size_t from_end = count - i;
      const bool there = from_end <= extents.size();
      out->push_back(there ? std::log2(static_cast<double>(extents[extents.size() - from_end]))
                           : 0.0);
    }
  }

  void VisitStmt(const Stmt& stmt) {
    if (const auto* store = stmt.as<ir::BufferStoreNode>()) {
      AddAccess(store->buffer().get(), store->indices());
      VisitExpr(store->value());
    } else if (const auto* seq = stmt.as<ir::SeqStmtNode>()) {
      for (const Stmt& element : seq->seq()) VisitStmt(element);
    }
  }

  void VisitExpr(const Expr& expr) {
    if (const auto* load = expr.as<ir::TensorLoadNode>()) {
      if (const auto* var = load->source().as<ir::VarNode>()) AddAccess(var, load->indices());
    }
    ir::VisitOperands(expr, [&](const Expr& operand) { VisitExpr(operand); });
  }

  void AddAccess(const ir::VarNode* buffer, const ir::Array<Expr>& indices) {
    const auto* type = buffer->ty().as<ir::BufferTypeNode>();
    if (type == nullptr) return;
    double bytes = type->dtype()->dtype().bits / 8.0;
    for (const Expr& extent : type->shape()) bytes *= static_cast<double>(Constant(extent));
    bool is_weight = true;
    for (const Expr& index : indices) is_weight &= !AddIndex(index);
    auto [it, is_new] = buffers_.emplace(buffer, Access{std::max(bytes, 1.0), is_weight});
    if (!is_new) it->second.is_weight &= is_weight;
  }

  // Notes strides and dilations; returns whether a row of the result decides on the place.
  bool AddIndex(const Expr& index) {
    blocks::IndexSum sum;
    blocks::AddToSum(index, 1, &sum);
    bool moves = false;
    for (const blocks::IndexTerm& term : sum.terms) {
      const auto* var = term.atom.as<ir::VarNode>();
      auto it = var == nullptr ? vars_.end() : vars_.find(var);
      if (it == vars_.end()) continue;
      const double factor = std::abs(static_cast<double>(term.factor));
      double& largest = it->second.reduces ? dilation_ : stride_;
      largest = std::max(largest, factor);
      moves |= it->second.is_row;
    }
    return moves;
  }

  std::vector<int64_t> spatial_;
  std::vector<int64_t> reduction_;
  double iterations_ = 1;
  double stride_ = 1;
  double dilation_ = 1;
  std::unordered_map<const ir::VarNode*, Iterator> vars_;
  std::unordered_map<const ir::VarNode*, Access> buffers_;
};

}  // namespace

WorkloadPoint DescribeWorkload(const ir::PrimFuncNode* function) {
  const blocks::LoopNests split = blocks::SplitLoopNests(function);
  std::optional<NestReader> main;
  const Stmt* main_nest = nullptr;
  for (const Stmt& nest : split.nests) {
    const ir::SBlockNode* block = FindBlock(nest);
    if (block == nullptr) throw std::invalid_argument("a loop nest holds no block");
    NestReader reader(block);
    if (main.has_value() && std::pair(reader.reduces(), reader.iterations()) <=
                                std::pair(main->reduces(), main->iterations())) {
      continue;
    }
    main.emplace(std::move(reader));
    main_nest = &nest;
  }
  return {blocks::SignNest(function, *main_nest), main->Coordinates(split.nests.size())};
}

}  // namespace cosearch::schedules
