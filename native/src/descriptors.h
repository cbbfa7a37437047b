// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_DESCRIPTORS_H_
#define MVAS_DESCRIPTORS_H_

#include <napi.h>

namespace mvas {

// readDescriptors(pid): all descriptors of a process, each copied (pidfd_getfd(2)), with its link
// in /proc/PID/fd and its text in /proc/PID/fdinfo. Returns { numbers: Int32Array, text: Buffer }:
// for each descriptor its number, our copy, where in the text its link and its fdinfo end (each
// begins where the previous one ends), whether its file may have an owner (F_SETOWN, F_SETSIG), and
// the file's flags (F_GETFL). Or -errno, and nothing is open.
Napi::Value ReadDescriptors(const Napi::CallbackInfo& info);

// findOpenFile(sorted, count, fd, place): looks among the first `count` descriptors, which are ours
// and in the order of kcmp(2), for one on the same open file. Returns 1 and its index in place[0];
// 0 and the index where it belongs; or -errno.
Napi::Value FindOpenFile(const Napi::CallbackInfo& info);

// statBelow(directory, path, how, stat): opens a path (a C string) below a directory (openat2(2)),
// fills in the `struct stat` of what it finds, and closes it. 0 or -errno.
Napi::Value StatBelow(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
