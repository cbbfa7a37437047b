// SPDX-License-Identifier: Apache-2.0
#include "copy_binding.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "heap_forks.h"

namespace mvas {
namespace {

// The descriptor of a copy that its answer goes to; all above are closed.
constexpr int kAnswer = 3;

// Nothing of the original's is kept from ending: neither its files, nor what waits for their ends.
bool KeepOnly(int answer) {
  return (answer == kAnswer || dup2(answer, kAnswer) == kAnswer) &&
         syscall(SYS_close_range, kAnswer + 1, ~0U, 0) == 0;
}

bool WriteAll(const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t length = write(kAnswer, text.data() + done, text.size() - done);
    if (length < 0 && errno != EINTR) return false;
    if (length > 0) done += static_cast<size_t>(length);
  }
  return true;
}

// Signals are blocked here: their handlers belong to an event loop that this copy never comes to.
[[noreturn]] void Answer(const Napi::Function& work, int answer, pid_t original) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != original || !KeepOnly(answer)) _exit(1);
  try {
    _exit(WriteAll(work.Call({}).As<Napi::String>().Utf8Value()) ? 0 : 1);
  } catch (const Napi::Error&) {
    _exit(1);
  }
}

pid_t Fork() {
  const HeapInForks heap;
  return fork();
}

}  // namespace

Napi::Value AskCopy(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto work = info[0].As<Napi::Function>();
  const pid_t original = getpid();
  int pipe[2];
  if (pipe2(pipe, O_CLOEXEC) != 0) return Napi::Number::New(env, -errno);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = Fork();
  const int error = errno;
  if (pid == 0) Answer(work, pipe[1], original);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(pipe[1]);
  if (pid < 0) {
    close(pipe[0]);
    return Napi::Number::New(env, -error);
  }
  auto pair = Napi::Array::New(env, 2);
  pair.Set(0u, pid);
  pair.Set(1u, pipe[0]);
  return pair;
}

}  // namespace mvas
