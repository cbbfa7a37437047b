// SPDX-License-Identifier: Apache-2.0
#include "move_binding.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "counted_work.h"

namespace mvas {
namespace {

int Open(const std::string& file) { return open(file.c_str(), O_WRONLY | O_CLOEXEC); }

// A cgroup's file takes a pid by one write.
int WriteOnce(int fd, const std::string& text) {
  for (;;) {
    if (write(fd, text.data(), text.size()) >= 0) return 0;
    if (errno != EINTR) return -errno;
  }
}

// Whether this process is in the cgroups that a text of /proc/self/cgroup names.
bool IsWhere(const std::string& membership) {
  const int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  std::string text(membership.size() + 1, 0);
  size_t length = 0;
  for (ssize_t got = 1; got > 0 && length < text.size(); length += static_cast<size_t>(got)) {
    got = std::max<ssize_t>(0, read(fd, &text[length], text.size() - length));
  }
  close(fd);
  return text.compare(0, length, membership) == 0;
}

// Shared by the thread, which owns the descriptor, and who ends it.
class Repetition {
 public:
  Repetition(int fd, std::string text, std::string membership)
      : fd_(fd), text_(std::move(text)), membership_(std::move(membership)) {}
  Repetition(const Repetition&) = delete;
  Repetition& operator=(const Repetition&) = delete;

  void Run(std::chrono::milliseconds every, int times) {
    Repeat(every, times);
    close(fd_);
  }

  void End() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  void Repeat(std::chrono::milliseconds every, int times) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (int i = 0; i < times && !ended_; i++) {
      lock.unlock();
      const bool goes_on = IsWhere(membership_) && WriteOnce(fd_, text_) == 0;
      lock.lock();
      if (!goes_on) return;
      changed_.wait_for(lock, every, [this] { return ended_; });
    }
  }

  const int fd_;
  const std::string text_;
  const std::string membership_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
};

// Signals are for other threads.
int StartThread(const std::shared_ptr<Repetition>& repetition, std::chrono::milliseconds every,
                int times) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = 0;
  try {
    std::thread([repetition, every, times] { repetition->Run(every, times); }).detach();
  } catch (const std::system_error& failure) {
    error = -failure.code().value();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
}

class WritingToEach : public CountedWork {
 public:
  WritingToEach(Napi::Env env, std::vector<std::string> files, std::string text)
      : CountedWork(env), files_(std::move(files)), text_(std::move(text)) {}

  void Execute() override {
    for (const std::string& file : files_) {
      const int fd = Open(file);
      error_ = fd < 0 ? -errno : WriteOnce(fd, text_);
      if (fd >= 0) close(fd);
      if (error_) return;
      done_++;
    }
  }

 private:
  std::vector<std::string> files_;
  std::string text_;
};

}  // namespace

Napi::Value KeepMoving(const Napi::CallbackInfo& info) {
  const int fd = Open(info[0].As<Napi::String>());
  if (fd < 0) return Napi::Number::New(info.Env(), -errno);
  auto repetition =
      std::make_shared<Repetition>(fd, std::to_string(getpid()), info[1].As<Napi::String>());
  const std::chrono::milliseconds every(info[2].As<Napi::Number>().Int32Value());
  const int error = StartThread(repetition, every, info[3].As<Napi::Number>().Int32Value());
  if (error) {
    close(fd);
    return Napi::Number::New(info.Env(), error);
  }
  return Napi::Function::New(
      info.Env(), [repetition](const Napi::CallbackInfo&) { repetition->End(); }, "end");
}

Napi::Value WriteToEach(const Napi::CallbackInfo& info) {
  const auto names = info[0].As<Napi::Array>();
  std::vector<std::string> files;
  for (uint32_t i = 0; i < names.Length(); i++) {
    files.push_back(names.Get(i).As<Napi::String>());
  }
  auto* writing = new WritingToEach(info.Env(), std::move(files), info[1].As<Napi::String>());
  writing->Queue();
  return writing->Promise();
}

}  // namespace mvas
