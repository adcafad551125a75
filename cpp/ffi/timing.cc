#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

#include <memory>

#include "ffi/tensor_data.h"
#include "timing/call_log.h"
#include "timing/windows.h"

namespace cosearch {
namespace {

namespace ffi = tvm::ffi;

constexpr int kColumns = 10, kProbeColumns = 5;

// int TVMBackendParallelLaunch(FTVMParallelLambda, void*, int)
using ParallelTask = int (*)(int, void*, void*);
using ParallelLaunch = int (*)(ParallelTask, void*, int);

struct Timer {
  Timer(int threads, timing::Launch launch, timing::Seats seats, bool realtime)
      : reference(threads, std::move(launch)), stopwatch(std::move(seats), &reference, realtime) {}
  timing::ReferenceWork reference;
  timing::Stopwatch stopwatch;
};

std::vector<int> Integers(const ffi::Array<int64_t>& values) {
  return std::vector<int>(values.begin(), values.end());
}

// Runs a task on the threads of TVM's own pool.
timing::Launch LaunchInPool(int64_t address, int threads) {
  const auto launch = reinterpret_cast<ParallelLaunch>(address);
  return [launch, threads](const std::function<void(int)>& task) {
    const ParallelTask run = [](int thread, void*, void* data) {
      (*static_cast<const std::function<void(int)>*>(data))(thread);
      return 0;
    };
    launch(run, const_cast<std::function<void(int)>*>(&task), threads);
  };
}

// Returns an instrument of TVM's virtual machine, and functions that set up, read and empty its
// log.
ffi::Array<ffi::Any> CallLog(const std::shared_ptr<Timer>& timer);

// Returns whether windows are exclusive, and functions that time and that make a log of calls,
// which hold the stopwatch.
ffi::Array<ffi::Any> Stopwatch(int64_t threads, int64_t own_core,
                               const ffi::Array<int64_t>& held_cores,
                               const ffi::Array<int64_t>& pool_threads, int64_t parallel_launch,
                               bool realtime) {
  const int count = static_cast<int>(threads);
  auto timer = std::make_shared<Timer>(
      count, LaunchInPool(parallel_launch, count),
      timing::Seats{static_cast<int>(own_core), Integers(held_cores), Integers(pool_threads)},
      realtime);
  const ffi::Function time = ffi::Function::FromTyped(
      [timer](const ffi::Function& kernel, const ffi::Array<ffi::Any>& arguments, int64_t calls,
              int64_t warm_up, const ffi::Tensor& out) {
        auto* row = const_cast<double*>(Data<double>(out, 2, kDLFloat));
        if (out.size(1) != kColumns) {
          TVM_FFI_THROW(ValueError) << "a window has " << kColumns << " columns";
        }
        const std::vector<ffi::AnyView> views(arguments.begin(), arguments.end());
        const auto call = [&] {
          ffi::Any result;
          kernel.CallPacked(views.data(), static_cast<int32_t>(views.size()), &result);
        };
        for (const timing::Window& window :
             timer->stopwatch.Time(call, static_cast<int>(calls), static_cast<int>(warm_up),
                                   static_cast<int>(out.size(0)))) {
          const double columns[kColumns] = {window.call_ns,           window.own_share,
                                            window.pool_share,        window.gap_ns,
                                            window.compute_before_ns, window.compute_after_ns,
                                            window.memory_before_ns,  window.memory_after_ns,
                                            window.clock_before_ns,   window.clock_after_ns};
          row = std::copy(columns, columns + kColumns, row);
        }
      });
  return {timer->stopwatch.exclusive(), time,
          ffi::Function::FromTyped([timer] { return CallLog(timer); })};
}

ffi::Array<ffi::Any> CallLog(const std::shared_ptr<Timer>& timer) {
  auto log = std::make_shared<timing::CallLog>([timer] { return timer->stopwatch.TakeProbe(); });
  // Arguments: the function, its name, whether it is about to run, its result, its arguments.
  const auto instrument = ffi::Function::FromPacked([log](ffi::PackedArgs args, ffi::Any* result) {
    *result = 0;  // VMInstrumentReturnKind::kNoOp
    if (args[2].cast<bool>()) {
      log->Begin();
    } else {
      const auto name = args[1].cast<ffi::String>();
      log->End({name.data(), name.size()});
    }
  });
  const auto functions = ffi::Function::FromTyped([log] {
    ffi::Array<ffi::String> names;
    for (const std::string& name : log->functions()) names.push_back(name);
    return names;
  });
  const auto probe_at =
      ffi::Function::FromTyped([log](const ffi::Array<int64_t>& places, int64_t run_length) {
        log->ProbeAt(std::vector<int64_t>(places.begin(), places.end()), run_length);
      });
  const auto sizes = ffi::Function::FromTyped([log] {
    return ffi::Array<int64_t>{static_cast<int64_t>(log->calls().size()),
                               static_cast<int64_t>(log->probes().size())};
  });
  const auto take = ffi::Function::FromTyped(
      [log](const ffi::Tensor& places, const ffi::Tensor& ns, const ffi::Tensor& probes) {
        auto* place = const_cast<int32_t*>(Data<int32_t>(places, 1, kDLInt));
        auto* time = const_cast<double*>(Data<double>(ns, 1, kDLFloat));
        auto* row = const_cast<double*>(Data<double>(probes, 2, kDLFloat));
        const auto count = static_cast<int64_t>(log->calls().size());
        const auto looks = static_cast<int64_t>(log->probes().size());
        if (places.size(0) != count || ns.size(0) != count || probes.size(0) != looks ||
            probes.size(1) != kProbeColumns) {
          TVM_FFI_THROW(ValueError) << "there are " << count << " calls and " << looks
                                    << " probes of " << kProbeColumns << " columns to be read";
        }
        for (const timing::CallLog::Call& call : log->calls()) {
          *place++ = call.function;
          *time++ = call.ns;
        }
        for (const timing::Probe& probe : log->probes()) {
          const double columns[kProbeColumns] = {probe.compute_ns, probe.own_share,
                                                 probe.pool_share, probe.gap_ns, probe.clock_ns};
          row = std::copy(columns, columns + kProbeColumns, row);
        }
        log->Clear();
      });
  return {instrument, functions, probe_at, sizes, take};
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  ffi::reflection::GlobalDef()
      .def("cosearch.timing.Stopwatch", Stopwatch)
      .def_packed("cosearch.timing.Nothing", [](ffi::PackedArgs, ffi::Any*) {});
}

}  // namespace cosearch
