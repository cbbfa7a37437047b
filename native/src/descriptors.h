// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_DESCRIPTORS_H_
#define MVAS_DESCRIPTORS_H_

#include <napi.h>

namespace mvas {

// readDescriptors(pid): all descriptors of a process, each copied (pidfd_getfd(2)), with its link
// in /proc/PID/fd and its text in /proc/PID/fdinfo. Returns { numbers: Int32Array, text: Buffer }:
// for each descriptor its number, our copy, and where in the text its link and its fdinfo end, each
// of which begins where the one before ends. Or -errno, and nothing is open.
Napi::Value ReadDescriptors(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
