// SPDX-License-Identifier: Apache-2.0
#include "sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <string_view>
#include <unordered_map>
#include <vector>

#include "texts.h"

namespace mvas {
namespace {

// Level, name and room of an option.
constexpr size_t kNameInts = 3;

// A row of lookAtSockets. Up to tcpi_bytes_retrans, which Linux 4.19 brought.
struct Look {
  int32_t name_result;
  int32_t peer_result;
  int32_t unread;
  int32_t events;
  int32_t info_size;
  int32_t unused[3];
  char name[32];
  char peer[32];
  char info[216];
  char end[8];
};
static_assert(sizeof(Look) == 80 * sizeof(int32_t), "src/native/index.ts has the same");
static_assert(sizeof(sockaddr_in6) <= sizeof(Look::name), "an address has room");

struct Options {
  const int32_t* names;
  size_t count;
  size_t record;  // bytes
};

void ReadRecord(int socket, const Options& options, char* record) {
  auto* sizes = reinterpret_cast<int32_t*>(record);
  char* value = record + options.count * sizeof *sizes;
  for (size_t i = 0; i < options.count; i++) {
    const int32_t* name = options.names + kNameInts * i;
    const auto room = static_cast<socklen_t>(name[2]);
    socklen_t size = room;
    const int result = getsockopt(socket, name[0], name[1], value, &size);
    sizes[i] = result < 0 ? -errno : static_cast<int32_t>(size);
    value += room;
  }
}

int32_t Address(int (*get)(int, sockaddr*, socklen_t*), int socket, char* address) {
  socklen_t size = sizeof(sockaddr_in6);
  return get(socket, reinterpret_cast<sockaddr*>(address), &size) < 0 ? -errno : 0;
}

void LookAt(int socket, Look* look) {
  socklen_t size = sizeof look->info;
  const int got = getsockopt(socket, IPPROTO_TCP, TCP_INFO, look->info, &size);
  look->info_size = got < 0 ? -errno : static_cast<int32_t>(size);
  pollfd events = {socket, POLLRDHUP, 0};
  poll(&events, 1, 0);
  look->events = events.revents;
  look->name_result = Address(getsockname, socket, look->name);
  look->peer_result = Address(getpeername, socket, look->peer);
  int unread = 0;
  look->unread = ioctl(socket, FIONREAD, &unread) < 0 ? -errno : unread;
}

}  // namespace

Napi::Value ReadOptions(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto sockets = info[0].As<Napi::Int32Array>();
  const auto names = info[1].As<Napi::Int32Array>();
  const size_t count = sockets.ElementLength();
  Options options = {names.Data(), names.ElementLength() / kNameInts, 0};
  options.record = options.count * sizeof(int32_t);
  for (size_t i = 0; i < options.count; i++)
    options.record += static_cast<size_t>(options.names[kNameInts * i + 2]);
  std::vector<char> all(count * options.record);
  const int32_t* fds = sockets.Data();
  ForAll(count, [&](size_t i) { ReadRecord(fds[i], options, &all[i * options.record]); });

  auto kinds = Napi::Int32Array::New(env, count);
  std::unordered_map<std::string_view, int32_t> known;
  std::vector<std::string_view> records;
  for (size_t i = 0; i < count; i++) {
    const std::string_view record(&all[i * options.record], options.record);
    const auto found = known.emplace(record, static_cast<int32_t>(records.size()));
    if (found.second) records.push_back(record);
    kinds[i] = found.first->second;
  }
  auto bytes = Napi::Buffer<char>::New(env, records.size() * options.record);
  char* next = bytes.Data();
  for (const auto& record : records) next = std::copy(record.begin(), record.end(), next);
  auto result = Napi::Object::New(env);
  result.Set("kinds", kinds);
  result.Set("records", bytes);
  return result;
}

Napi::Value LookAtSockets(const Napi::CallbackInfo& info) {
  const auto sockets = info[0].As<Napi::Int32Array>();
  const size_t count = sockets.ElementLength();
  auto rows = Napi::Int32Array::New(info.Env(), count * sizeof(Look) / sizeof(int32_t));
  auto* looks = reinterpret_cast<Look*>(rows.Data());
  const int32_t* fds = sockets.Data();
  ForAll(count, [&](size_t i) { LookAt(fds[i], &looks[i]); });
  return rows;
}

}  // namespace mvas
