#include "nasbench201_reader.h"

#include <algorithm>

#include "nasbench201_edge.h"

namespace cosearch::blocks {
namespace {

constexpr size_t kMostTerms = 6;  // of one sum, when every skip edge has run into it
constexpr size_t kMostNodes = 3;  // with a source: n1, n2, out

const Step* LinearStepTo(const GraphView& view, int value) {
  const Step* step = view.is_op(value) ? view.step_to(value) : nullptr;
  return step != nullptr && !step->activation && !step->excitation ? step : nullptr;
}

bool IsRelu(const GraphView& view, int value) {
  return view.is_op(value) && view.op(value).name == "relax.nn.relu";
}

}  // namespace

bool Nasbench201Reader::Accepts(int out, const std::vector<int>& ops) {
  if (!ReadNode(out) || (bare_ && unrectified_)) return false;
  Normalize(&visited_);
  if (visited_ != ops) return false;
  std::vector<int> first_nodes = {entry_};
  for (const auto& [value, terms] : nodes_) {
    for (const Term& term : terms) {
      computes_ |= !term.skip;
      if (!term.skip && term.source == entry_) first_nodes.push_back(term.value);
    }
  }
  const auto& terms = nodes_[out];
  bool explained = false;  // all readings are tried: one of them may leave an edge free
  for (int n1 : first_nodes) explained |= Explains(n1, terms);
  return explained;
}

bool Nasbench201Reader::ReadNode(int value) {
  if (value == entry_ || nodes_.count(value) != 0) return true;
  if (nodes_.size() >= kMostNodes) return false;
  std::vector<Term> terms;
  if (!ReadSum(value, &terms)) return false;
  nodes_[value] = terms;
  return std::all_of(terms.begin(), terms.end(),
                     [&](const Term& term) { return ReadNode(term.source); });
}

bool Nasbench201Reader::ReadSum(int value, std::vector<Term>* terms) {
  if (terms->size() > kMostTerms) return false;
  if (value != entry_ && view_.is_op(value) && view_.kind(value) == Kind::kAdd) {
    visited_.push_back(value);
    const auto& inputs = view_.op(value).inputs;
    return std::all_of(inputs.begin(), inputs.end(),
                       [&](int input) { return ReadSum(input, terms); });
  }
  const int scaled = SkipScale(value);
  if (scaled != value) {
    unrectified_ |= scaled == entry_;
    return ReadSum(scaled, terms);
  }
  Term term = {value, value, true};
  if (value != entry_ && !ReadEdge(value, &term)) return false;
  unrectified_ |= term.skip;
  terms->push_back(term);
  return true;
}

int Nasbench201Reader::SkipScale(int value) {
  const Step* step = nullptr;
  while (value != entry_ && (step = LinearStepTo(view_, value)) != nullptr && !step->weights) {
    visited_.insert(visited_.end(), step->ops.begin(), step->ops.end());
    value = step->from;
  }
  return value;
}

int Nasbench201Reader::SkipNorm(int value) {
  const Step* step = nullptr;
  while (value != entry_ && (step = LinearStepTo(view_, value)) != nullptr) {
    visited_.insert(visited_.end(), step->ops.begin(), step->ops.end());
    value = step->from;
  }
  return value;
}

int Nasbench201Reader::SkipPad(int value) {
  if (value == entry_ || !view_.is_op(value) || view_.kind(value) != Kind::kPad) return value;
  visited_.push_back(value);
  return view_.only_input(value);
}

bool Nasbench201Reader::ReadEdge(int value, Term* term) {
  const int node = SkipNorm(value);
  if (!view_.is_op(node) || node <= entry_) return false;
  term->skip = false;
  visited_.push_back(node);
  if (IsNasbench201Pool(view_, node)) {
    term->source = SkipScale(SkipPad(view_.only_input(node)));
    unrectified_ |= term->source == entry_;
    return true;
  }
  if (!IsNasbench201Conv(view_, node)) return false;
  const int read = SkipPad(view_.only_input(node));
  if (!IsRelu(view_, read)) return false;
  bare_ |= read == entry_;  // one ReLU before the cell serves all its edges
  term->source = read;
  if (read == entry_) return true;
  visited_.push_back(read);
  term->source = SkipScale(view_.only_input(read));
  return true;
}

bool Nasbench201Reader::IsFrom(const Term& term, int node) const {
  return term.source == node || (node != entry_ && term.value == node);
}

bool Nasbench201Reader::Explains(int n1, const std::vector<Term>& terms) {
  const bool distinct = n1 != entry_;
  int from_x = 0, from_n1 = 0, from_n2 = 0, n2 = -1;
  for (const Term& term : terms) {
    if (distinct && IsFrom(term, n1)) {
      ++from_n1;
    } else if (term.source == entry_) {
      ++from_x;
    } else if (n2 < 0) {
      n2 = term.source;
      ++from_n2;
    } else {
      return false;
    }
  }
  if (n2 < 0) {  // n2 has run into the sum, or is a copy of another node
    free_edge_ |= terms.size() == 2;
    return distinct ? from_x <= 2 && from_n1 <= 2 : from_x <= 4;
  }
  int inner_x = 0, inner_n1 = 0;
  for (const Term& term : nodes_[n2]) {
    if (distinct && IsFrom(term, n1)) {
      ++inner_n1;
    } else if (term.source == entry_) {
      ++inner_x;
    } else {
      return false;
    }
  }
  const int most = distinct ? 1 : 2;
  return from_x <= most && inner_x <= most && from_n1 <= 1 && inner_n1 <= 1;
}

}  // namespace cosearch::blocks
