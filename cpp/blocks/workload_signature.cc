#include "blocks/workload_signature.h"

#include <tvm/ffi/extra/structural_hash.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <string_view>

#include "blocks/dataflow.h"
#include "blocks/hash_pair.h"
#include "blocks/index_terms.h"
#include "blocks/loop_nests.h"
#include "ir/attrs.h"
#include "ir/prim.h"

namespace cosearch::blocks {
namespace {

using ir::Expr;
using ir::Stmt;

// What an expression or statement is, where its type key does not tell.
enum Tag : uint64_t {
  kBufferRef = 101,
  kNewBuffer,
  kVar,
  kIndexSum,
  kBound,
  kConjunction,
  kMeanDivisor,
  kLiteral,
  kOpaque,
  kElse,
  kInit,
  kPredicate,
};

constexpr const char* kLayoutFreeBuffers = "layout_free_buffers";

std::string_view View(const ir::String& text) { return {text.data(), text.size()}; }

class WorkloadHasher {
 public:
  explicit WorkloadHasher(const ir::PrimFuncNode* function)
      : function_(function), split_(SplitLoopNests(function)) {
    std::vector<int64_t> layout_free;
    if (std::optional<ir::Any> attr = FindAttr(function, kLayoutFreeBuffers)) {
      layout_free = ir::AsInts(*attr).value_or(layout_free);
    }
    for (size_t i = 0; i < function->params().size(); ++i) {
      const bool free = std::find(layout_free.begin(), layout_free.end(),
                                  static_cast<int64_t>(i)) != layout_free.end();
      params_.emplace(function->params()[i].get(), free);
    }
  }

  Signature Run() {
    if (split_.ordered_by_buffers) {
      for (const ir::Var& param : function_->params()) EnqueueWriters(param.get());
      while (!queue_.empty()) {
        const int nest = queue_.front();
        queue_.pop_front();
        AddStmt(split_.nests[nest]);
      }
    }
    for (size_t i = 0; i < split_.nests.size(); ++i) {
      if (enqueued_.insert(static_cast<int>(i)).second) AddStmt(split_.nests[i]);
    }
    return hash_.Finish();
  }

  // Whether an input is a parameter depends on the other nests, unless it is a weight.
  Signature RunNest(const Stmt& nest) {
    for (auto it = params_.begin(); it != params_.end();) {
      it = it->second ? std::next(it) : params_.erase(it);
    }
    AddStmt(nest);
    return hash_.Finish();
  }

 private:
  struct VarInfo {
    int64_t number;
    bool is_reduction;
  };

  void EnqueueWriters(const ir::VarNode* buffer) {
    auto it = split_.writers.find(buffer);
    if (it == split_.writers.end()) return;
    for (int nest : it->second) {
      if (enqueued_.insert(nest).second) queue_.push_back(nest);
    }
  }

  // ---- statements

  void AddStmt(const Stmt& stmt) {
    hash_.Both(std::string_view(stmt->GetTypeKey()));
    if (const auto* loop = stmt.as<ir::ForNode>()) {
      AddLoop(loop);
    } else if (const auto* realize = stmt.as<ir::SBlockRealizeNode>()) {
      AddBlock(realize);
    } else if (const auto* store = stmt.as<ir::BufferStoreNode>()) {
      AddBuffer(store->buffer().get());
      AddIndices(store->indices());
      AddValue(store->value());
    } else if (const auto* seq = stmt.as<ir::SeqStmtNode>()) {
      hash_.Both(seq->seq().size());
      for (const Stmt& element : seq->seq()) AddStmt(element);
    } else if (const auto* branch = stmt.as<ir::IfThenElseNode>()) {
      AddValue(branch->condition());
      AddStmt(branch->then_case());
      hash_.Both(kElse);
      if (branch->else_case().has_value()) AddStmt(branch->else_case().value());
    } else if (const auto* evaluate = stmt.as<ir::EvaluateNode>()) {
      AddValue(evaluate->value());
    } else if (const auto* bind = stmt.as<ir::BindNode>()) {
      AddValue(bind->value());
      Define(bind->var().get(), false);
    } else if (const auto* alloc = stmt.as<ir::AllocBufferNode>()) {
      AddBuffer(alloc->buffer().get());
    } else if (const auto* attr = stmt.as<ir::AttrStmtNode>()) {
      hash_.Both(View(attr->attr_key()));
      AddValue(attr->value());
      AddStmt(attr->body());
    } else if (const auto* loop = stmt.as<ir::WhileNode>()) {
      AddValue(loop->condition());
      AddStmt(loop->body());
    } else {
      AddOpaque(stmt);
    }
  }

  void AddLoop(const ir::ForNode* loop) {
    hash_.Both(loop->kind());
    if (loop->thread_binding().has_value()) {
      hash_.Both(View(loop->thread_binding().value()->thread_tag()));
    }
    AddExtent(loop->min());
    AddExtent(loop->extent());
    Define(loop->loop_var().get(), false);
    AddStmt(loop->body());
  }

  void AddBlock(const ir::SBlockRealizeNode* realize) {
    const ir::SBlock& block = realize->block();
    for (const Expr& value : realize->iter_values()) AddIndex(value);
    const auto* always = realize->predicate().as<ir::IntImmNode>();
    if (always == nullptr) {
      hash_.Both(kPredicate);
      AddValue(realize->predicate());
    }
    hash_.Both(block->iter_vars().size());
    for (const ir::IterVar& iter : block->iter_vars()) {
      const bool is_reduction = iter->iter_type() == ir::kCommReduce;
      hash_.Both(iter->iter_type());
      AddExtent(iter->dom()->min());
      AddExtent(iter->dom()->extent());
      const auto* extent = iter->dom()->extent().as<ir::IntImmNode>();
      if (is_reduction && extent != nullptr) {
        hash_.Agnostic(static_cast<int64_t>(extent->value()) == 1);
      }
      Define(iter->var().get(), is_reduction);
    }
    for (const ir::MatchBufferRegion& match : block->match_buffers()) AddMatch(match);
    if (block->init().has_value()) {
      hash_.Both(kInit);
      AddStmt(block->init().value());
    }
    AddStmt(block->body());
  }

  void AddMatch(const ir::MatchBufferRegion& match) {
    AddValue(match->source()->source());
    for (const ir::Range& range : match->source()->region()) {
      AddIndex(range->min());
      AddExtent(range->extent());
    }
    AddBuffer(match->buffer().get());
  }

  // ---- values

  void AddValue(const Expr& expr) {
    if (IsIndex(expr)) {
      AddIndex(expr);
      return;
    }
    if (const auto* load = expr.as<ir::TensorLoadNode>()) {
      AddValue(load->source());
      AddIndices(load->indices());
    } else if (const auto* var = expr.as<ir::VarNode>()) {
      if (var->ty().as<ir::BufferTypeNode>()) {
        AddBuffer(var);
      } else {
        AddVar(var);
      }
    } else if (expr.as<ir::ConstantNode>()) {
      AddLiteral(expr);
    } else if (expr.as<ir::AndNode>() || IsComparison(expr)) {
      AddCondition(expr);
    } else {
      AddOperator(expr);
    }
  }

  void AddOperator(const Expr& expr) {
    hash_.Both(std::string_view(expr->GetTypeKey()));
    AddDType(expr->ty());
    if (const auto* call = expr.as<ir::CallNode>()) {
      if (const auto* op = call->op().as<ir::OpNode>()) {
        hash_.Both(View(op->name()));
      } else if (const auto* global = call->op().as<ir::GlobalVarNode>()) {
        hash_.Both(View(global->name_hint()));
      }
      hash_.Both(call->args().size());
      for (const Expr& arg : call->args()) AddValue(arg);
    } else if (const auto* let = expr.as<ir::LetNode>()) {
      AddValue(let->value());
      Define(let->var().get(), false);
      AddValue(let->body());
    } else if (auto [a, b] = ir::BinaryOperands(expr); a != nullptr) {
      AddValue(*a);
      if (IsMeanDivisor(expr, *b)) {
        hash_.Agnostic(kMeanDivisor);
        AddLiteral(*b, /*agnostic=*/false);
      } else {
        AddValue(*b);
      }
    } else {
      bool has_operands = false;
      ir::VisitOperands(expr, [&](const Expr& operand) {
        has_operands = true;
        AddValue(operand);
      });
      if (!has_operands) AddOpaque(expr);
    }
  }

  // x / 49 or x * (1 / 49) behind a reduction over 49: an extent in disguise.
  bool IsMeanDivisor(const Expr& expr, const Expr& right) const {
    const auto* literal = right.as<ir::FloatImmNode>();
    if (literal == nullptr) return false;
    const double value = literal->value();
    for (int64_t size : split_.reduction_sizes) {
      if (expr.as<ir::DivNode>() && value == static_cast<double>(size)) return true;
      const bool reciprocal = static_cast<float>(value) == 1.0F / static_cast<float>(size);
      if (expr.as<ir::MulNode>() && reciprocal) return true;
    }
    return false;
  }

  void AddLiteral(const Expr& expr, bool agnostic = true) {
    HashPair literal;
    literal.Both(kLiteral);
    if (const auto* number = expr.as<ir::IntImmNode>()) {
      literal.Both(static_cast<int64_t>(number->value()));
    } else if (const auto* number = expr.as<ir::FloatImmNode>()) {
      literal.Both(number->value());
    } else if (const auto* text = expr.as<ir::StringImmNode>()) {
      literal.Both(View(text->value()));
    } else {
      literal.Both(ir::ffi::StructuralHash::Hash(expr));
    }
    const Signature signature = literal.Finish();
    hash_.Aware(signature.shape_aware);
    if (agnostic) hash_.Agnostic(signature.shape_agnostic);
    AddDType(expr->ty());
  }

  // ---- conditions

  static bool IsOrder(const Expr& expr) {
    return expr.as<ir::LTNode>() || expr.as<ir::LENode>() || expr.as<ir::GTNode>() ||
           expr.as<ir::GENode>();
  }

  static bool IsComparison(const Expr& expr) {
    if (!IsOrder(expr)) return false;
    const auto [a, b] = ir::BinaryOperands(expr);
    return (IsIndex(*a) || a->as<ir::IntImmNode>()) && (IsIndex(*b) || b->as<ir::IntImmNode>());
  }

  // Shape-agnostic, bounds of padding count by what they bound: how many comparisons remain after
  // simplification depends on which sides are padded.
  void AddCondition(const Expr& expr) {
    std::vector<Digest> bounds;
    CollectBounds(expr, &bounds);
    std::sort(bounds.begin(), bounds.end());
    bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
    hash_.Both(kConjunction);
    hash_.Agnostic(bounds.size());
    for (const Digest& bound : bounds) hash_.Agnostic(bound);
  }

  void CollectBounds(const Expr& expr, std::vector<Digest>* bounds) {
    if (const auto* conjunction = expr.as<ir::AndNode>()) {
      CollectBounds(conjunction->a(), bounds);
      CollectBounds(conjunction->b(), bounds);
      return;
    }
    HashPair outer;
    std::swap(outer, hash_);
    if (IsComparison(expr)) {
      AddBound(expr);
    } else {
      AddValue(expr);
    }
    std::swap(outer, hash_);
    const Signature bound = outer.Finish();
    hash_.Aware(bound.shape_aware);
    bounds->push_back(bound.shape_agnostic);
  }

  void AddBound(const Expr& expr) {
    const auto [a, b] = ir::BinaryOperands(expr);
    IndexSum sum;
    AddToSum(*a, 1, &sum);
    AddToSum(*b, -1, &sum);
    hash_.Both(kBound);
    hash_.Aware(std::string_view(expr->GetTypeKey()));
    AddSum(sum, /*keep_factors=*/false);
  }

  // ---- indices

  void AddIndices(const ir::Array<Expr>& indices) {
    hash_.Both(indices.size());
    for (const Expr& index : indices) AddIndex(index);
  }

  void AddIndex(const Expr& expr) {
    IndexSum sum;
    AddToSum(expr, 1, &sum);
    bool has_reduction = false;
    for (const IndexTerm& term : sum.terms) has_reduction |= IsReduction(term.atom);
    AddSum(sum, has_reduction || sum.terms.size() == 1);
  }

  // Factors are strides or dilations where a reduction takes part or a variable stands alone;
  // elsewhere they flatten several extents into one.
  void AddSum(const IndexSum& sum, bool keep_factors) {
    std::vector<Digest> aware, agnostic;
    for (const IndexTerm& term : sum.terms) {
      const Signature atom = SignAtom(term.atom);
      Hasher scaled;
      scaled.Add(atom.shape_aware);
      scaled.Add(term.factor);
      aware.push_back(scaled.Finish());
      const bool kept = keep_factors && term.atom.as<ir::VarNode>();
      scaled = Hasher();
      scaled.Add(atom.shape_agnostic);
      scaled.Add(kept ? term.factor : int64_t{0});
      agnostic.push_back(scaled.Finish());
    }
    // Addition commutes.
    std::sort(aware.begin(), aware.end());
    std::sort(agnostic.begin(), agnostic.end());
    hash_.Both(kIndexSum);
    hash_.Both(sum.terms.size());
    hash_.Aware(sum.offset);
    for (const Digest& term : aware) hash_.Aware(term);
    for (const Digest& term : agnostic) hash_.Agnostic(term);
  }

  Signature SignAtom(const Expr& atom) {
    HashPair outer;
    std::swap(outer, hash_);
    const auto [a, b] = ir::BinaryOperands(atom);
    if (const auto* var = atom.as<ir::VarNode>()) {
      AddVar(var);
    } else if (a != nullptr && IsIndex(atom)) {
      hash_.Both(std::string_view(atom->GetTypeKey()));
      AddIndex(*a);
      AddIndex(*b);
    } else {
      AddValueInside(atom);
    }
    std::swap(outer, hash_);
    return outer.Finish();
  }

  // An index that reads a buffer, or calls an intrinsic.
  void AddValueInside(const Expr& atom) {
    if (atom.as<ir::TensorLoadNode>() || !IsIndex(atom)) {
      AddValue(atom);
    } else {
      AddOperator(atom);
    }
  }

  bool IsReduction(const Expr& expr) const {
    const auto* var = expr.as<ir::VarNode>();
    auto it = var == nullptr ? vars_.end() : vars_.find(var);
    return it != vars_.end() && it->second.is_reduction;
  }

  void AddExtent(const Expr& expr) {
    const auto* literal = expr.as<ir::IntImmNode>();
    hash_.Agnostic(literal != nullptr);
    if (literal != nullptr) {
      hash_.Aware(static_cast<int64_t>(literal->value()));
    } else {
      AddIndex(expr);
    }
  }

  // ---- variables and buffers

  void Define(const ir::VarNode* var, bool is_reduction) {
    vars_[var] = {next_var_++, is_reduction};
  }

  // A variable that nothing defined is a symbolic extent: numbered by its first use.
  void AddVar(const ir::VarNode* var) {
    auto it = vars_.find(var);
    if (it == vars_.end()) {
      Define(var, false);
      it = vars_.find(var);
    }
    hash_.Both(kVar);
    hash_.Both(it->second.number);
    AddDType(var->ty());
  }

  void AddBuffer(const ir::VarNode* buffer) {
    auto [it, is_new] = buffers_.emplace(buffer, static_cast<int64_t>(buffers_.size()));
    hash_.Both(is_new ? kNewBuffer : kBufferRef);
    hash_.Both(it->second);
    if (!is_new) return;
    if (split_.ordered_by_buffers) EnqueueWriters(buffer);
    auto param = params_.find(buffer);
    hash_.Both(param != params_.end());
    hash_.Both(param != params_.end() && param->second);
    const auto* type = buffer->ty().as<ir::BufferTypeNode>();
    if (type == nullptr) return;
    AddDType(type->dtype());
    hash_.Both(View(type->storage_scope()));
    hash_.Both(type->strides().size());
    hash_.Both(type->shape().size());
    for (const Expr& extent : type->shape()) AddExtent(extent);
  }

  void AddDType(const ir::Type& type) {
    const auto* prim = type.as<ir::PrimTypeNode>();
    if (prim == nullptr) return;
    const DLDataType dtype = prim->dtype();
    hash_.Both((uint64_t{dtype.code} << 32) | (uint64_t{dtype.bits} << 16) | dtype.lanes);
  }

  // Nothing that TE or FuseTIR makes: TVM's own structural hash serves.
  void AddOpaque(const ir::ObjectRef& node) {
    hash_.Both(kOpaque);
    hash_.Both(ir::ffi::StructuralHash::Hash(node, /*map_free_vars=*/true));
  }

  const ir::PrimFuncNode* function_;
  LoopNests split_;
  HashPair hash_;
  // Parameters, and whether their layout is free.
  std::unordered_map<const ir::VarNode*, bool> params_;
  std::unordered_map<const ir::VarNode*, int64_t> buffers_;
  std::unordered_map<const ir::VarNode*, VarInfo> vars_;
  int64_t next_var_ = 0;
  std::deque<int> queue_;
  std::unordered_set<int> enqueued_;
};

}  // namespace

Signature SignWorkload(const ir::PrimFuncNode* function) { return WorkloadHasher(function).Run(); }

Digest SignNest(const ir::PrimFuncNode* function, const Stmt& nest) {
  return WorkloadHasher(function).RunNest(nest).shape_agnostic;
}

}  // namespace cosearch::blocks
