// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_AREAS_H_
#define MVAS_AREAS_H_

#include <napi.h>

namespace mvas {

// readAreas(path, hasDetails), parseAreas(bytes): the areas in a text like /proc/PID/smaps, which
// has about 700 bytes and 25 lines for each: too much to turn into strings; or, without details,
// like /proc/PID/maps. Returns { areas: ArrayBuffer, texts: Buffer, wrong: Buffer | undefined }:
// `areas` has a structure for each (src/native/area-table.ts), `texts` the lines that they refer to
// by number, from 0 on, and `wrong` is a line that no kernel writes; the areas before it are there.
// readAreas returns -errno if the file cannot be read.
Napi::Value ReadAreas(const Napi::CallbackInfo& info);
Napi::Value ParseAreas(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
