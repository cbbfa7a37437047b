// SPDX-License-Identifier: Apache-2.0
// Reads what the kernel tells of many sockets, on two threads if there are many.
#ifndef MVAS_SOCKETS_H_
#define MVAS_SOCKETS_H_

#include <napi.h>

namespace mvas {

// readOptions(sockets, names): reads options of each socket; `names` has the level, the name and
// the room of each. Returns { kinds: Int32Array, records: Buffer }. A record has the size of each
// value, or -errno, as ints, then the values, each in its room; what they do not fill is zero.
// Equal sockets share one: `kinds` has its number for each socket.
Napi::Value ReadOptions(const Napi::CallbackInfo& info);

// lookAtSockets(sockets): for each a row of 80 ints: results of getsockname(2) and getpeername(2)
// (0 or -errno), bytes to read (FIONREAD) or -errno, events of poll(2), size of TCP_INFO or -errno,
// three zeros; then, from ints 8, 16 and 24 on, what these three have returned. TCP_INFO is asked
// first, then poll(2); FIONREAD comes last.
Napi::Value LookAtSockets(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
