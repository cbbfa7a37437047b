// SPDX-License-Identifier: Apache-2.0
#include "spawn_binding.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

#include <deque>
#include <string>
#include <vector>

#include "texts.h"

namespace mvas {
namespace {

class Actions {
 public:
  Actions() { posix_spawn_file_actions_init(&actions_); }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  // 0 or an errno.
  int Give(int fd, int as) {
    if (fd < 0) return posix_spawn_file_actions_addopen(&actions_, as, "/dev/null", O_RDWR, 0);
    return posix_spawn_file_actions_adddup2(&actions_, fd, as);
  }

  // 0 or an errno.
  int GoTo(const char* path) { return posix_spawn_file_actions_addchdir_np(&actions_, path); }

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  explicit Attributes(bool is_daemon) {
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    const int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    posix_spawnattr_setflags(&attributes_,
                             static_cast<short>(flags | (is_daemon ? POSIX_SPAWN_SETSID : 0)));
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

std::vector<std::string> TextsOf(const Napi::Value& value) {
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < array.Length(); i++) {
    texts.push_back(array.Get(i).As<Napi::String>().Utf8Value());
  }
  return texts;
}

std::vector<char*> PointersTo(std::vector<std::string>* texts) {
  std::vector<char*> pointers;
  for (std::string& text : *texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

int SpawnWith(char* const* argv, char* const* env, const Napi::Array& fds, bool is_daemon) {
  // Copies from above, so that none is overwritten before it is used.
  std::deque<Owned> copies;
  Actions actions;
  int error = is_daemon ? actions.GoTo("/") : 0;
  for (uint32_t i = 0; i < fds.Length() && error == 0; i++) {
    int fd = fds.Get(i).As<Napi::Number>().Int32Value();
    if (fd >= 0) {
      fd = fcntl(fd, F_DUPFD_CLOEXEC, static_cast<int>(fds.Length()));
      if (fd < 0) return -errno;
      copies.emplace_back(fd);
    }
    error = actions.Give(fd, static_cast<int>(i));
  }
  pid_t pid = 0;
  if (error == 0) {
    error = posix_spawnp(&pid, argv[0], actions.get(), Attributes(is_daemon).get(), argv, env);
  }
  return error == 0 ? pid : -error;
}

}  // namespace

Napi::Value Spawn(const Napi::CallbackInfo& info) {
  std::vector<std::string> argv = TextsOf(info[0]);
  std::vector<std::string> env = TextsOf(info[1]);
  const int pid = SpawnWith(PointersTo(&argv).data(), PointersTo(&env).data(),
                            info[2].As<Napi::Array>(), info[3].As<Napi::Boolean>());
  return Napi::Number::New(info.Env(), pid);
}

}  // namespace mvas
