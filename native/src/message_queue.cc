// SPDX-License-Identifier: Apache-2.0
#include "message_queue.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracing_process.h"

namespace mvas {
namespace {

constexpr timespec kNow = {0, 0};
constexpr timespec kPause = {0, 1'000'000};
// Only a lack of the kernel's memory makes a message wait for this many pauses.
constexpr int kTries = 5000;

struct Room {
  char* data;
  size_t size;
  uint32_t* sizes;
  size_t count;
};

// The number of messages taken out; `error` says what ended it early.
size_t TakeAll(int queue, const Room& room, int64_t* error) {
  size_t taken = 0;
  size_t used = 0;
  for (; taken < room.count; taken++) {
    unsigned priority = 0;
    const ssize_t size =
        syscall(SYS_mq_timedreceive, queue, room.data + used, room.size - used, &priority, &kNow);
    if (size < 0) {
      if (errno != EAGAIN && errno != ETIMEDOUT) *error = -errno;
      break;
    }
    room.sizes[taken * 2] = static_cast<uint32_t>(size);
    room.sizes[taken * 2 + 1] = priority;
    used += static_cast<size_t>(size);
  }
  return taken;
}

bool PutBack(int queue, const char* data, uint32_t size, uint32_t priority) {
  for (int tries = 0; tries < kTries; tries++) {
    if (syscall(SYS_mq_timedsend, queue, data, size, priority, &kNow) == 0) return true;
    nanosleep(&kPause, nullptr);
  }
  return false;
}

int64_t Copy(int queue, const Room& room) {
  if (gettid() != getpid()) return -EAGAIN;  // a thread, which would die with us
  const OutlivingScope scope;
  int64_t result = 0;
  const size_t taken = TakeAll(queue, room, &result);
  if (!result) result = static_cast<int64_t>(taken);
  const char* data = room.data;
  for (size_t i = 0; i < taken; i++) {
    if (!PutBack(queue, data, room.sizes[i * 2], room.sizes[i * 2 + 1])) result = -EIO;
    data += room.sizes[i * 2];
  }
  return result;
}

}  // namespace

Napi::Value CopyMessages(const Napi::CallbackInfo& info) {
  const int queue = info[0].As<Napi::Number>().Int32Value();
  auto data = info[1].As<Napi::Uint8Array>();
  auto sizes = info[2].As<Napi::Uint32Array>();
  const Room room = {reinterpret_cast<char*>(data.Data()), data.ByteLength(), sizes.Data(),
                     sizes.ElementLength() / 2};
  int64_t result = 0;
  TracingProcess([&] { result = Copy(queue, room); }).Join();
  return Napi::Number::New(info.Env(), static_cast<double>(result));
}

}  // namespace mvas
