#include "blocks/loop_nests.h"

namespace cosearch::blocks {
namespace {

using ir::Stmt;

class Splitter {
 public:
  LoopNests Run(const ir::PrimFuncNode* function) {
    Stmt body = function->body();
    if (const auto* realize = body.as<ir::SBlockRealizeNode>()) {
      if (realize->iter_values().empty()) body = realize->block()->body();
    }
    if (const auto* seq = body.as<ir::SeqStmtNode>()) {
      for (const Stmt& stmt : seq->seq()) result_.nests.push_back(stmt);
    } else {
      result_.nests.push_back(body);
    }
    for (size_t i = 0; i < result_.nests.size(); ++i) {
      nest_ = static_cast<int>(i);
      const Stmt& nest = result_.nests[i];
      if (!nest.as<ir::ForNode>() && !nest.as<ir::SBlockRealizeNode>()) {
        result_.ordered_by_buffers = false;
      }
      Visit(nest);
    }
    return std::move(result_);
  }

 private:
  void Visit(const Stmt& stmt) {
    if (const auto* loop = stmt.as<ir::ForNode>()) {
      Visit(loop->body());
    } else if (const auto* realize = stmt.as<ir::SBlockRealizeNode>()) {
      VisitBlock(realize->block().operator->());
    } else if (const auto* store = stmt.as<ir::BufferStoreNode>()) {
      std::vector<int>& writers = result_.writers[store->buffer().get()];
      if (writers.empty() || writers.back() != nest_) writers.push_back(nest_);
    } else if (const auto* seq = stmt.as<ir::SeqStmtNode>()) {
      for (const Stmt& element : seq->seq()) Visit(element);
    } else if (const auto* branch = stmt.as<ir::IfThenElseNode>()) {
      Visit(branch->then_case());
      if (branch->else_case().has_value()) Visit(branch->else_case().value());
    } else {
      // A call for its effect, say: what it writes is not seen here.
      result_.ordered_by_buffers = false;
    }
  }

  void VisitBlock(const ir::SBlockNode* block) {
    int64_t size = 1;
    for (const ir::IterVar& iter : block->iter_vars()) {
      const auto* extent = iter->dom()->extent().as<ir::IntImmNode>();
      const bool reduction = iter->iter_type() == ir::kCommReduce;
      if (reduction && extent != nullptr) size *= static_cast<int64_t>(extent->value());
    }
    if (size > 1) result_.reduction_sizes.insert(size);
    if (block->init().has_value()) Visit(block->init().value());
    Visit(block->body());
  }

  LoopNests result_;
  int nest_ = 0;
};

}  // namespace

LoopNests SplitLoopNests(const ir::PrimFuncNode* function) { return Splitter().Run(function); }

}  // namespace cosearch::blocks
