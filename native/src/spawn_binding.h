// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <napi.h>

namespace mvas {

// spawn(argv, env, fds, isDaemon): posix_spawnp(3), which copies no page tables. `fds` become
// the child's descriptors from 0 on; -1 stands for /dev/null. A daemon is in a session of its own,
// and in `/`. All signals have their default actions in the child, and none is blocked. Returns the
// pid or -errno.
Napi::Value Spawn(const Napi::CallbackInfo& info);

}  // namespace mvas
