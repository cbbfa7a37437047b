// SPDX-License-Identifier: Apache-2.0
#include "syscall_binding.h"

#include <errno.h>
#include <unistd.h>

#include "arch.h"

namespace mvas {

uint64_t ToWord(const Napi::Value& value) {
  if (value.IsNumber()) return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
  if (value.IsBigInt()) {
    bool lossless;
    // Negative bigints wrap, as they do in C.
    int64_t negative = value.As<Napi::BigInt>().Int64Value(&lossless);
    if (lossless) return static_cast<uint64_t>(negative);
    return value.As<Napi::BigInt>().Uint64Value(&lossless);
  }
  if (value.IsTypedArray()) {
    const auto array = value.As<Napi::TypedArray>();
    return reinterpret_cast<uint64_t>(static_cast<uint8_t*>(array.ArrayBuffer().Data()) +
                                      array.ByteOffset());
  }
  if (value.IsNull() || value.IsUndefined()) return 0;
  throw Napi::TypeError::New(value.Env(),
                             "syscall: an argument is not a number, bigint, typed array or null");
}

Napi::Value Syscall(const Napi::CallbackInfo& info) {
  long args[6] = {0, 0, 0, 0, 0, 0};
  if (info.Length() < 1 || info.Length() > 7)
    throw Napi::TypeError::New(info.Env(), "syscall: takes 1 to 7 arguments");
  for (size_t i = 1; i < info.Length(); i++) args[i - 1] = static_cast<long>(ToWord(info[i]));
  const long result = ::syscall(static_cast<long>(ToWord(info[0])), args[0], args[1], args[2],
                                args[3], args[4], args[5]);
  return Napi::Number::New(info.Env(), static_cast<double>(result == -1 ? -errno : result));
}

Napi::Value AddressOf(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), ToWord(info[0]));
}

Napi::Value RightsOffset(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), RightsOffset());
}

}  // namespace mvas
