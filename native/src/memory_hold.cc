// SPDX-License-Identifier: Apache-2.0
#include "memory_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <system_error>
#include <thread>

namespace mvas {

namespace {

constexpr size_t kPageSize = 4096;
constexpr int kMost = 16;
// A thread takes some microseconds to get where it waits.
constexpr int kLooks = 200;
constexpr int kLookMs = 1;

}  // namespace

// Missing pages, one for each thread; and the userfaultfd that has the threads wait.
class MemoryHold::Pages {
 public:
  Pages() {
    fd_ = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
    if (fd_ < 0) {
      error_ = errno;
      return;
    }
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    memory_ = mmap(nullptr, kMost * kPageSize, PROT_READ | PROT_WRITE, flags, -1, 0);
    uffdio_api api{};
    api.api = UFFD_API;
    uffdio_register request{};
    request.range = Range();
    request.mode = UFFDIO_REGISTER_MODE_MISSING;
    if (memory_ == MAP_FAILED || madvise(memory_, kMost * kPageSize, MADV_NOHUGEPAGE) != 0 ||
        ioctl(fd_, UFFDIO_API, &api) != 0 || ioctl(fd_, UFFDIO_REGISTER, &request) != 0)
      error_ = errno;
  }

  ~Pages() {
    if (fd_ >= 0) close(fd_);
    if (memory_ != MAP_FAILED) munmap(memory_, kMost * kPageSize);
  }

  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  int error() const { return error_; }

  // The next page; null if all are taken.
  char* Take() {
    if (taken_ == kMost) return nullptr;
    return static_cast<char*>(memory_) + kPageSize * static_cast<size_t>(taken_++);
  }

  // Waits until a thread waits for a page, or has ended.
  bool Await(const std::atomic<bool>& has_ended) const {
    for (int look = 0; look < kLooks; look++) {
      pollfd ready{fd_, POLLIN, 0};
      uffd_msg message{};
      if (poll(&ready, 1, kLookMs) == 1 &&
          read(fd_, &message, sizeof(message)) == static_cast<ssize_t>(sizeof(message)))
        return true;
      if (has_ended) return false;
    }
    return false;
  }

  // From now on the kernel makes the pages, and nobody waits for them. A copy of the descriptor may
  // be open in a process that shares this memory, so closing it would not do.
  void Release() {
    uffdio_range range = Range();
    ioctl(fd_, UFFDIO_UNREGISTER, &range);
  }

 private:
  uffdio_range Range() const { return {reinterpret_cast<uintptr_t>(memory_), kMost * kPageSize}; }

  int fd_;
  int error_ = 0;
  void* memory_ = MAP_FAILED;
  int taken_ = 0;
};

Napi::Function MemoryHold::Define(Napi::Env env) {
  return DefineClass(env, "MemoryHold",
                     {
                         InstanceMethod<&MemoryHold::Add>("add"),
                         InstanceMethod<&MemoryHold::LetGo>("letGo"),
                     });
}

MemoryHold::MemoryHold(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<MemoryHold>(info), pages_(std::make_shared<Pages>()) {}

MemoryHold::~MemoryHold() {
  if (pages_ && pages_->error() == 0) pages_->Release();
}

Napi::Value MemoryHold::Add(const Napi::CallbackInfo& info) {
  const auto result = [&](int value) { return Napi::Number::New(info.Env(), value); };
  if (!pages_) return result(-EBADF);
  if (pages_->error() != 0) return result(-pages_->error());
  const std::string path =
      "/proc/" + std::to_string(info[0].As<Napi::Number>().Int32Value()) + "/pagemap";
  const int pagemap = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (pagemap < 0) return result(-errno);
  char* const page = pages_->Take();
  if (page == nullptr) {
    close(pagemap);
    return result(-ENOSPC);
  }
  auto has_ended = std::make_shared<std::atomic<bool>>(false);
  // Its share of the pages keeps its own mapped until it has written to it.
  const auto wait = [pages = pages_, page, pagemap, has_ended] {
    if (pread(pagemap, page, sizeof(uint64_t), 0) < 0) page[0] = 0;  // The process has gone.
    close(pagemap);
    *has_ended = true;
  };
  try {
    std::thread(wait).detach();
  } catch (const std::system_error& error) {
    close(pagemap);
    return result(-error.code().value());
  }
  return result(pages_->Await(*has_ended) ? 0 : -ESRCH);
}

Napi::Value MemoryHold::LetGo(const Napi::CallbackInfo& info) {
  if (pages_ && pages_->error() == 0) pages_->Release();
  pages_.reset();
  return info.Env().Undefined();
}

}  // namespace mvas
