// Knows nothing of TVM.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "timing/clock.h"
#include "timing/windows.h"

namespace cosearch::timing {

/*!
 * \brief Notes how long each call of a program's functions takes, one after another, and how the
 * machine was before some of them.
 */
class CallLog {
 public:
  struct Call {
    int32_t function;
    double ns;
  };

  /*! \param probe Looks at the machine; see Stopwatch. */
  explicit CallLog(std::function<Probe()> probe) : probe_(std::move(probe)) {}

  /*!
   * \brief Probes before some calls of each run of the program from now on, and after its last.
   * \param places Which calls of a run, in ascending order.
   * \param run_length Calls of a run; 0 to probe no more.
   */
  void ProbeAt(std::vector<int64_t> places, int64_t run_length) {
    places_probed_ = std::move(places);
    run_length_ = run_length;
  }

  void Begin() {
    if (run_length_ > 0) {
      const auto place = static_cast<int64_t>(calls_.size()) % run_length_;
      if (std::binary_search(places_probed_.begin(), places_probed_.end(), place)) {
        probes_.push_back(probe_());
      }
    }
    begun_ns_ = WallNanoseconds();
  }

  void End(std::string_view function) {
    const double now = WallNanoseconds();
    calls_.push_back({PlaceOf(function), now - begun_ns_});
    if (run_length_ > 0 && static_cast<int64_t>(calls_.size()) % run_length_ == 0) {
      probes_.push_back(probe_());
    }
  }

  void Clear() {
    calls_.clear();
    probes_.clear();
  }

  /*! \brief What was seen of the machine since the last Clear, in that order. */
  const std::vector<Probe>& probes() const { return probes_; }

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

  std::function<Probe()> probe_;
  std::vector<int64_t> places_probed_;
  int64_t run_length_ = 0;
  double begun_ns_ = 0;
  std::vector<Probe> probes_;
  std::vector<Call> calls_;
  std::vector<std::string> functions_;
  std::unordered_map<std::string, int32_t> places_;
};

}  // namespace cosearch::timing
