// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_FORMS_H_
#define MVAS_FORMS_H_

#include <napi.h>

namespace mvas {

// readForms(bytes, list, forms, constants): reads messages of src/common/wire/forms.ts, each behind
// its size in four bytes, up to the first that is of no form. `list` has from, end and most;
// `forms` the two cells that are the length of what follows a message, or -1, then of each form how
// many steps it has, and each step as code and four numbers. Returns { cells, length, width }.
Napi::Value ReadForms(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
