// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_FILE_BINDING_H_
#define MVAS_FILE_BINDING_H_

#include <napi.h>

namespace mvas {

// writeFiles(directory, names, contents): makes new files (0600) in the directory behind a
// descriptor, each with its content (Uint8Array), by one turn of a worker thread. Resolves with
// [done, error]: how many files are there, and 0 or the -errno that stopped it at the next one,
// which may have been made. Directory and contents stay the caller's, who leaves them as they are.
Napi::Value WriteFiles(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
