#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

#include <memory>

#include "ffi/checked.h"
#include "ffi/tensor_data.h"
#include "schedules/describe_workload.h"
#include "schedules/forest.h"
#include "schedules/similarity_index.h"
#include "schedules/split_refit.h"

namespace cosearch {
namespace {

namespace ffi = tvm::ffi;

ffi::Array<int64_t> RefitSplit(const ffi::Array<int64_t>& factors, int64_t extent,
                               int64_t max_innermost, int64_t lanes, int64_t threads) {
  return Checked([&] {
    const std::vector<int64_t> refitted = schedules::RefitSplit(
        {factors.begin(), factors.end()}, extent, {max_innermost, lanes, threads});
    return ffi::Array<int64_t>(refitted.begin(), refitted.end());
  });
}

ffi::Array<ffi::Any> DescribeWorkload(const ir::PrimFunc& function) {
  return Checked([&] {
    const schedules::WorkloadPoint point = schedules::DescribeWorkload(function.get());
    const ffi::Array<double> coordinates(point.coordinates.begin(), point.coordinates.end());
    return ffi::Array<ffi::Any>{ffi::String(point.kind.Hex()), coordinates};
  });
}

// Returns the query, which holds the index.
ffi::Function SimilarityIndex(const ffi::Array<ffi::String>& structures,
                              const ffi::Array<ffi::String>& kinds, const ffi::Tensor& points) {
  const auto* data = Data<float>(points, 2, kDLFloat);
  const size_t rows = structures.size(), dimensions = points.size(1);
  if (kinds.size() != rows || static_cast<size_t>(points.size(0)) != rows) {
    TVM_FFI_THROW(ValueError) << "each workload has a structure, a kind and a point";
  }
  auto index = std::make_shared<schedules::SimilarityIndex>(dimensions);
  for (size_t row = 0; row < rows; ++row) {
    index->Add(structures[row], kinds[row], data + row * dimensions);
  }
  return ffi::Function::FromTyped([index, dimensions](const ffi::String& structure,
                                                      const ffi::String& kind,
                                                      const ffi::Tensor& point, int64_t k) {
    const auto* coordinates = Data<float>(point, 1, kDLFloat);
    if (static_cast<size_t>(point.size(0)) != dimensions) {
      TVM_FFI_THROW(ValueError) << "a point has " << dimensions << " coordinates";
    }
    ffi::Array<ffi::Any> neighbours;
    for (const schedules::Neighbour& found : index->Query(structure, kind, coordinates, k)) {
      neighbours.push_back(ffi::Array<ffi::Any>{found.row, found.same_structure, found.distance});
    }
    return neighbours;
  });
}

// Returns the prediction, which holds the forest.
ffi::Function Forest(const ffi::Tensor& feature, const ffi::Tensor& threshold,
                     const ffi::Tensor& left, const ffi::Tensor& right, const ffi::Tensor& roots,
                     double base, int64_t features) {
  const auto* features_of = Data<int32_t>(feature, 1, kDLInt);
  const auto* thresholds = Data<float>(threshold, 1, kDLFloat);
  const auto* lefts = Data<int32_t>(left, 1, kDLInt);
  const auto* rights = Data<int32_t>(right, 1, kDLInt);
  const auto* first = Data<int32_t>(roots, 1, kDLInt);
  const int64_t size = feature.size(0);
  if (threshold.size(0) != size || left.size(0) != size || right.size(0) != size) {
    TVM_FFI_THROW(ValueError) << "each node has a feature, a threshold and two children";
  }
  std::vector<schedules::Forest::Node> nodes;
  for (int64_t i = 0; i < size; ++i) {
    nodes.push_back({features_of[i], thresholds[i], lefts[i], rights[i]});
  }
  auto forest = Checked([&] {
    return std::make_shared<schedules::Forest>(
        std::move(nodes), std::vector<int32_t>(first, first + roots.size(0)), base, features);
  });
  return ffi::Function::FromTyped([forest](const ffi::Tensor& rows, const ffi::Tensor& out) {
    const auto* data = Data<float>(rows, 2, kDLFloat);
    auto* values = const_cast<double*>(Data<double>(out, 1, kDLFloat));
    if (rows.size(1) != forest->features() || out.size(0) != rows.size(0)) {
      TVM_FFI_THROW(ValueError) << "rows of " << forest->features() << " features, and a value "
                                << "for each of them";
    }
    forest->Predict(data, rows.size(0), values);
  });
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  ffi::reflection::GlobalDef()
      .def("cosearch.schedules.RefitSplit", RefitSplit)
      .def("cosearch.schedules.DescribeWorkload", DescribeWorkload)
      .def("cosearch.schedules.SimilarityIndex", SimilarityIndex)
      .def("cosearch.schedules.Forest", Forest);
}

}  // namespace cosearch
