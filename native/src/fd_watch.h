// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_FD_WATCH_H_
#define MVAS_FD_WATCH_H_

#include <napi.h>

#include <thread>

namespace mvas {

// Tells JavaScript when descriptors become readable, from a thread of its own: for those that
// Node.js cannot wait for, such as eventfds. Each time something is written to one, it calls
// `callback(fd)`; it reads nothing. Does not keep the process alive.
class FdWatch : public Napi::ObjectWrap<FdWatch> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit FdWatch(const Napi::CallbackInfo& info);
  ~FdWatch() override;

 private:
  void Run();

  // add(fd), remove(fd): 0 or -errno. The caller keeps the descriptor open in between.
  Napi::Value Add(const Napi::CallbackInfo& info);
  Napi::Value Remove(const Napi::CallbackInfo& info);

  int epoll_;
  int end_;  // an eventfd; a write ends the thread
  Napi::ThreadSafeFunction deliver_;
  std::thread thread_;
};

}  // namespace mvas

#endif
