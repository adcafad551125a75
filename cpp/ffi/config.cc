// Registers pass config keys with TVM, which offers no FFI function for it.
#include <dlfcn.h>
#include <tvm/ffi/any.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>
#include <tvm/ffi/string.h>

#include <functional>

namespace cosearch {
namespace {

namespace ffi = tvm::ffi;

// tvm::transform::PassContext::RegisterConfigOption(char const*, ffi::String,
//                                                   std::function<ffi::Any(ffi::Any)>)
constexpr char kRegisterConfigOption[] =
    "_ZN3tvm9transform11PassContext20RegisterConfigOptionEPKcNS_3ffi6StringE"
    "St8functionIFNS4_3AnyES7_EE";

// Returns false where the symbol is missing. Registering a key twice aborts: the caller asks
// `transform.ListConfigs` first.
bool RegisterConfig(const ffi::String& library, const ffi::String& key, const ffi::String& type) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (handle == nullptr) return false;
  void* symbol = dlsym(handle, kRegisterConfigOption);
  if (symbol == nullptr) return false;
  using Register = void (*)(const char*, ffi::String, std::function<ffi::Any(ffi::Any)>);
  reinterpret_cast<Register>(symbol)(key.c_str(), type, [](ffi::Any value) { return value; });
  return true;
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  ffi::reflection::GlobalDef().def("cosearch.ffi.RegisterConfig", RegisterConfig);
}

}  // namespace cosearch
