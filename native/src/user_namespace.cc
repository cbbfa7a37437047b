// SPDX-License-Identifier: Apache-2.0
#include "user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace mvas {
namespace {

// A child in a new user namespace, which only waits to be killed; or -errno. Its end raises no
// signal (exit signal 0), so nobody else waits for it. It handles none: handlers are its parent's.
pid_t ForkInto() {
  const pid_t parent = getpid();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const long child = syscall(SYS_clone, CLONE_NEWUSER, 0, 0, 0, 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == parent) pause();  // that may have died before
    _exit(0);
  }
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return static_cast<pid_t>(child < 0 ? -error : child);
}

std::string PathOf(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

int WriteMap(pid_t pid, const char* name, const std::string& map) {
  const int fd = open(PathOf(pid, name).c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  const int result = write(fd, map.data(), map.size()) < 0 ? -errno : 0;
  close(fd);
  return result;
}

int Open(pid_t pid, const std::string& users, const std::string& groups) {
  int result = WriteMap(pid, "uid_map", users);
  if (!result) result = WriteMap(pid, "gid_map", groups);
  if (result) return result;
  const int fd = open(PathOf(pid, "ns/user").c_str(), O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

}  // namespace

Napi::Value UserNamespace(const Napi::CallbackInfo& info) {
  const std::string users = info[0].As<Napi::String>();
  const std::string groups = info[1].As<Napi::String>();
  const pid_t child = ForkInto();
  if (child < 0) return Napi::Number::New(info.Env(), child);
  const int result = Open(child, users, groups);
  kill(child, SIGKILL);
  while (syscall(SYS_wait4, child, nullptr, __WCLONE, nullptr) < 0 && errno == EINTR) continue;
  return Napi::Number::New(info.Env(), result);
}

}  // namespace mvas
