// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_MESSAGE_QUEUE_H_
#define MVAS_MESSAGE_QUEUE_H_

#include <napi.h>

namespace mvas {

// copyMessages(queue, data, sizes): copies all messages of a POSIX message queue that nobody else
// uses (a descriptor open for reading and writing): takes them out and puts them back in the same
// order. A SIGKILL that ends us meanwhile does not keep them from being put back. `data` gets the
// messages, one behind the other, and has room for one of the largest size behind them; `sizes`
// gets the size and the priority of each. Returns their number; -EIO: some are lost; any other
// -errno: all are back.
Napi::Value CopyMessages(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
