// SPDX-License-Identifier: Apache-2.0
#include "fd_watch.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace mvas {

Napi::Function FdWatch::Define(Napi::Env env) {
  return DefineClass(
      env, "FdWatch",
      {InstanceMethod<&FdWatch::Add>("add"), InstanceMethod<&FdWatch::Remove>("remove")});
}

FdWatch::FdWatch(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<FdWatch>(info),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      end_(eventfd(0, EFD_CLOEXEC)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = end_;
  if (epoll_ < 0 || end_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, end_, &event) != 0)
    throw Napi::Error::New(info.Env(), "FdWatch: no descriptors left");
  deliver_ = Napi::ThreadSafeFunction::New(info.Env(), info[0].As<Napi::Function>(),
                                           "mvas-fd-watch", 0, 1);
  deliver_.Unref(info.Env());
  thread_ = std::thread([this] { Run(); });
}

FdWatch::~FdWatch() {
  const uint64_t one = 1;
  if (write(end_, &one, sizeof(one)) == sizeof(one)) thread_.join();
  close(end_);
  close(epoll_);
}

void FdWatch::Run() {
  for (;;) {
    epoll_event event;
    const int count = epoll_wait(epoll_, &event, 1, -1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 || event.data.fd == end_) break;
    const int fd = event.data.fd;
    deliver_.NonBlockingCall([fd](Napi::Env env, Napi::Function callback) {
      callback.Call({Napi::Number::New(env, fd)});
    });
  }
  deliver_.Release();
}

Napi::Value FdWatch::Add(const Napi::CallbackInfo& info) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.fd = info[0].As<Napi::Number>().Int32Value();
  const int result = epoll_ctl(epoll_, EPOLL_CTL_ADD, event.data.fd, &event);
  return Napi::Number::New(info.Env(), result == 0 ? 0 : -errno);
}

Napi::Value FdWatch::Remove(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const int result = epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  return Napi::Number::New(info.Env(), result == 0 ? 0 : -errno);
}

}  // namespace mvas
