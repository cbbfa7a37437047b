// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_FILE_BINDING_H_
#define MVAS_FILE_BINDING_H_

#include <napi.h>

namespace mvas {

// writeFiles(directory, names, contents): creates new files (0600) in the directory behind a
// descriptor, each with its content (Uint8Array), in one turn of a worker thread. Resolves with
// [done, error]: how many files were written, and 0 or the -errno that stopped it at the next one,
// which may exist. Directory and contents remain the caller's, which must not change them
// meanwhile.
Napi::Value WriteFiles(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
