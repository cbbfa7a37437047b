// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_MOVE_BINDING_H_
#define MVAS_MOVE_BINDING_H_

#include <napi.h>

namespace mvas {

// keepMoving(file, membership, everyMs, times): writes the pid of this process into an existing
// file, cgroup.procs of a cgroup that it is in, and then again and again, in a thread of its own.
// Ends when it has done so as often, at an error, and when /proc/self/cgroup no longer has the
// text: who has moved this process elsewhere means it. Returns a function that ends it, or -errno
// if it cannot begin.
Napi::Value KeepMoving(const Napi::CallbackInfo& info);

// writeToEach(files, text): writes the text into existing files, one after the other, in one turn
// of a worker thread. Resolves with [done, error]: how many were written to, and 0 or the -errno
// that stopped it at the next one.
Napi::Value WriteToEach(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
