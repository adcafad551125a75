#pragma once

#include <map>
#include <vector>

#include "../finder_view.h"

namespace cosearch::blocks {

/*!
 * \brief Reads sums of ReLU–convolution–norm and pooling edges as a NAS-Bench-201 cell (Dong and
 * Yang, ICLR 2020): nodes x, n1 = e(x), n2 = e(x) + e(n1), out = e(x) + e(n1) + e(n2), each edge e
 * one of zero, skip, 1×1, 3×3 or pooling. Zero edges are gone and skip edges are the value itself,
 * so that sums may have run into one another.
 */
class Nasbench201Reader {
 public:
  Nasbench201Reader(const GraphView& view, int entry) : view_(view), entry_(entry) {}

  /*! \brief Whether `out` is such a sum, made by just these ops (ascending). */
  bool Accepts(int out, const std::vector<int>& ops);

  /*! \brief Whether some edge is no skip. */
  bool computes() const { return computes_; }

  /*! \brief Whether the sum leaves room for one more edge of the cell, before or behind it. */
  bool has_free_edge() const { return free_edge_; }

 private:
  struct Term {
    int value, source;
    bool skip;
  };

  bool ReadNode(int value);
  bool ReadSum(int value, std::vector<Term>* terms);
  bool ReadEdge(int value, Term* term);
  /*! \brief Scalar factors before `value`: a zero edge may be a product with 0. It takes the place
   *  of an edge as a skip does. */
  int SkipScale(int value);
  int SkipNorm(int value);
  int SkipPad(int value);
  bool Explains(int n1, const std::vector<Term>& terms);
  bool IsFrom(const Term& term, int node) const;

  const GraphView& view_;
  const int entry_;
  std::map<int, std::vector<Term>> nodes_;
  std::vector<int> visited_;
  bool bare_ = false;         // some convolution reads x without a ReLU of its own
  bool unrectified_ = false;  // some other edge reads x
  bool free_edge_ = false, computes_ = false;
};

}  // namespace cosearch::blocks
