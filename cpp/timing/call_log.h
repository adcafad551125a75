// Knows nothing of TVM.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "timing/clock.h"

namespace cosearch::timing {

/*! \brief Notes how long each call of a program's functions takes, one after another. */
class CallLog {
 public:
  struct Call {
    int32_t function;
    double ns;
  };

  void Begin() { begun_ns_ = WallNanoseconds(); }

  void End(std::string_view function) {
    const double now = WallNanoseconds();
    calls_.push_back({PlaceOf(function), now - begun_ns_});
  }

  void Clear() { calls_.clear(); }

  /*! \brief What ended since the last Clear, in that order. */
  const std::vector<Call>& calls() const { return calls_; }

  /*! \brief Names of all functions that were ever met, by place. */
  const std::vector<std::string>& functions() const { return functions_; }

 private:
  int32_t PlaceOf(std::string_view function) {
    const auto found = places_.find(std::string(function));
    if (found != places_.end()) return found->second;
    functions_.emplace_back(function);
    const auto place = static_cast<int32_t>(functions_.size() - 1);
    places_.emplace(functions_.back(), place);
    return place;
  }

  double begun_ns_ = 0;
  std::vector<Call> calls_;
  std::vector<std::string> functions_;
  std::unordered_map<std::string, int32_t> places_;
};

}  // namespace cosearch::timing
