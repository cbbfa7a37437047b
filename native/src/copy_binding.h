// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <napi.h>

namespace mvas {

// askCopy(work): see src/native/index.ts.
Napi::Value AskCopy(const Napi::CallbackInfo& info);

}  // namespace mvas
