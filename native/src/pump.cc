// SPDX-License-Identifier: Apache-2.0
#include "pump.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace mvas {
namespace {

// How much one copy may move before others get their turn.
constexpr size_t kShare = 1 << 20;
constexpr size_t kBufferSize = 1 << 16;
constexpr int kMostEvents = 64;
// A spliced page takes one of a pipe's few slots however little it contains, so small writes would
// fill an unread FIFO after some hundred bytes: these are read and written.
constexpr size_t kLeastSplice = 4096;

bool IsPipe(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode);
}

int SetNonBlocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
  return 0;
}

}  // namespace

Copy::Copy(int epoll, uint32_t id, int from, int to, std::string needle)
    : epoll_(epoll),
      id_(id),
      from_{from},
      to_{to},
      may_splice_(IsPipe(from) && IsPipe(to)),
      needle_(std::move(needle)) {}

Copy::~Copy() {
  for (const Side& side : {from_, to_}) {
    // Another descriptor of the same file would keep it watched.
    if (side.is_watched) epoll_ctl(epoll_, EPOLL_CTL_DEL, side.fd, nullptr);
    close(side.fd);
  }
}

Copy::Next Copy::Step(std::vector<char>* buffer) {
  for (size_t done = 0; done < kShare;) {
    Moved moved;
    if (rest_at_ < rest_.size()) {
      moved = WriteRest();
    } else if (may_splice_ && needle_.empty() && Unread() >= kLeastSplice) {
      moved = Splice();
    } else {
      moved = ReadAndWrite(buffer);
    }
    if (moved.next != Next::kAgain) return moved.next;
    done += moved.bytes;
  }
  return Next::kAgain;
}

Copy::Moved Copy::WriteRest() {
  const ssize_t n = write(to_.fd, rest_.data() + rest_at_, rest_.size() - rest_at_);
  if (n < 0 && errno == EAGAIN) return {0, Next::kOutput};
  if (n < 0 && errno != EINTR) return {0, Next::kEnd};
  if (n > 0) rest_at_ += static_cast<size_t>(n);
  if (rest_at_ == rest_.size()) {
    std::vector<char>().swap(rest_);
    rest_at_ = 0;
  }
  return {n > 0 ? static_cast<size_t>(n) : 0, Next::kAgain};
}

Copy::Moved Copy::Splice() {
  const unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  const ssize_t n = splice(from_.fd, nullptr, to_.fd, nullptr, kShare, flags);
  if (n > 0) return {static_cast<size_t>(n), Next::kAgain};
  if (n < 0 && errno == EINTR) return {};
  // There is something to read, so the output has to be waited for.
  if (n < 0 && errno == EAGAIN) return {0, Next::kOutput};
  if (n < 0 && errno != EINVAL) return {0, Next::kEnd};
  may_splice_ = false;
  return {};
}

Copy::Moved Copy::ReadAndWrite(std::vector<char>* buffer) {
  const ssize_t n = read(from_.fd, buffer->data(), buffer->size());
  if (n < 0 && errno == EINTR) return {};
  if (n < 0 && errno == EAGAIN) return {0, Next::kInput};
  // The master of a terminal returns EIO once all its slaves are closed (pty(7)).
  if (n <= 0) return {0, Next::kEnd};
  if (!needle_.empty()) Look(buffer->data(), static_cast<size_t>(n));
  const ssize_t written = write(to_.fd, buffer->data(), static_cast<size_t>(n));
  if (written < 0 && errno != EAGAIN && errno != EINTR) return {0, Next::kEnd};
  if (written < n) rest_.assign(buffer->data() + (written > 0 ? written : 0), buffer->data() + n);
  return {static_cast<size_t>(n), Next::kAgain};
}

void Copy::Look(const char* data, size_t size) {
  tail_.append(data, size);
  if (tail_.find(needle_) != std::string::npos) {
    has_found_ = true;
    needle_.clear();
    std::string().swap(tail_);
  } else if (tail_.size() >= needle_.size()) {
    tail_.erase(0, tail_.size() - needle_.size() + 1);
  }
}

bool Copy::TakeFound() { return std::exchange(has_found_, false); }

size_t Copy::Unread() const {
  int bytes = 0;
  return ioctl(from_.fd, FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

bool Copy::Await(Next next) {
  if (next == Next::kInput) return Watch(&from_, EPOLLIN);
  if (next == Next::kOutput) return Watch(&to_, EPOLLOUT);
  return false;
}

bool Copy::Watch(Side* side, uint32_t events) {
  epoll_event event{};
  event.events = events | EPOLLONESHOT;
  event.data.u64 = id_;
  const int how = side->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  // EPERM: a regular file or /dev/null, which is always ready.
  if (epoll_ctl(epoll_, how, side->fd, &event) < 0) return false;
  side->is_watched = true;
  return true;
}

Pump::Pump(Ended ended, Found found)
    : ended_(std::move(ended)), found_(std::move(found)), buffer_(kBufferSize) {}

Pump::~Pump() {
  if (thread_.joinable()) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    Wake();
    thread_.join();
  }
  copies_.clear();
  if (wake_ >= 0) close(wake_);
  if (epoll_ >= 0) close(epoll_);
}

int Pump::Start(int from, int to, std::string needle) {
  if (const int error = Open(); error < 0) return error;
  for (const int fd : {from, to}) {
    if (const int error = SetNonBlocking(fd); error < 0) return error;
  }
  uint32_t id;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    id = last_id_ = (last_id_ + 1) & 0x7fffffff;
    copies_[id] = std::make_unique<Copy>(epoll_, id, from, to, std::move(needle));
    ready_.push_back(id);
  }
  Wake();
  return static_cast<int>(id);
}

void Pump::Stop(uint32_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  copies_.erase(id);
}

int Pump::Open() {
  if (thread_.joinable()) return 0;
  if (epoll_ < 0) epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return -errno;
  if (wake_ < 0) wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) return -errno;
  epoll_event event{};
  event.events = EPOLLIN;  // data: 0, which is not a copy
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) < 0 && errno != EEXIST) return -errno;
  thread_ = std::thread([this] { Run(); });
  return 0;
}

void Pump::Run() {
  pthread_setname_np(pthread_self(), "mvas-pump");
  epoll_event events[kMostEvents];
  for (;;) {
    std::vector<uint32_t> ready;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (stopping_) return;
      ready.swap(ready_);
    }
    for (const uint32_t id : ready) Handle(id);
    bool is_busy;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_busy = !ready_.empty();
    }
    const int count = epoll_wait(epoll_, events, kMostEvents, is_busy ? 0 : -1);
    for (int i = 0; i < count; i++) {
      if (const auto id = static_cast<uint32_t>(events[i].data.u64); id != 0) {
        Handle(id);
      } else {
        uint64_t count_of_wakes;
        [[maybe_unused]] const ssize_t n = read(wake_, &count_of_wakes, sizeof count_of_wakes);
      }
    }
  }
}

void Pump::Handle(uint32_t id) {
  bool has_found;
  bool has_ended;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = copies_.find(id);
    if (found == copies_.end()) return;
    const Copy::Next next = found->second->Step(&buffer_);
    has_found = found->second->TakeFound();
    has_ended = next == Copy::Next::kEnd;
    if (has_ended) {
      copies_.erase(found);
    } else if (!found->second->Await(next)) {
      ready_.push_back(id);
    }
  }
  if (has_found) found_(id);
  if (has_ended) ended_(id);
}

void Pump::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(wake_, &one, sizeof one);
}

}  // namespace mvas
