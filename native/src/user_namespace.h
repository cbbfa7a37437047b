// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_USER_NAMESPACE_H_
#define MVAS_USER_NAMESPACE_H_

#include <napi.h>

namespace mvas {

// userNamespace(users, groups): makes a user namespace without processes, whose uid_map and gid_map
// (user_namespaces(7)) are these texts. Returns a descriptor of it, which closes on exec, or
// -errno.
Napi::Value UserNamespace(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
