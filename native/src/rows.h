// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_ROWS_H_
#define MVAS_ROWS_H_

#include <napi.h>

namespace mvas {

// readRows(bytes, list, fields): readRows() of src/common/wire/rows.ts. `list` has from, end, tag
// and most; `fields` tag, least, most and 1 if it is required, of each field. Returns { cells,
// length, at }.
Napi::Value ReadRows(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
