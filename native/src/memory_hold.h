// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_MEMORY_HOLD_H_
#define MVAS_MEMORY_HOLD_H_

#include <napi.h>

#include <memory>

namespace mvas {

// Keeps the memory of processes from being freed as they end, which would delay the close of their
// files and the report of their end. For each, a thread reads /proc/PID/pagemap into a page that is
// missing, and so waits in the kernel with a reference to that memory. The thread frees the memory
// when it goes on.
class MemoryHold : public Napi::ObjectWrap<MemoryHold> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit MemoryHold(const Napi::CallbackInfo& info);
  ~MemoryHold() override;

 private:
  class Pages;

  // add(pid): 0 or -errno.
  Napi::Value Add(const Napi::CallbackInfo& info);
  // letGo(): waits for nothing.
  Napi::Value LetGo(const Napi::CallbackInfo& info);

  std::shared_ptr<Pages> pages_;  // null: it has let go, or there is no userfaultfd(2)
};

}  // namespace mvas

#endif
