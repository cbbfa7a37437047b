// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <napi.h>

namespace mvas {

// fork(2) of the whole program, including the event loop, into a session of its own and as nobody's
// child. Returns 0 in the copy, and in the original a positive number or -errno.
Napi::Value ForkAway(const Napi::CallbackInfo& info);

}  // namespace mvas
