// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_SYSCALL_BINDING_H_
#define MVAS_SYSCALL_BINDING_H_

#include <napi.h>

namespace mvas {

// syscall(nr, ...args): one raw system call on the calling thread. An argument is a number, a
// bigint, null (0), or a Uint8Array whose memory is passed by address. Returns the result, or
// -errno.
Napi::Value Syscall(const Napi::CallbackInfo& info);

// The value of one argument as the kernel sees it.
uint64_t ToWord(const Napi::Value& value);

// addressOf(array): where the bytes of a typed array lie, for pointers inside structures.
Napi::Value AddressOf(const Napi::CallbackInfo& info);

// rightsOffset(): where the rights of a thread to memory with protection keys lie in its extended
// state, in bytes; 0 on processors without keys.
Napi::Value RightsOffset(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
