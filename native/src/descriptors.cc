// SPDX-License-Identifier: Apache-2.0
#include "descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "texts.h"

namespace mvas {
namespace {

// Numbers of each descriptor in the result.
constexpr size_t kNumbers = 6;

// What is known of one descriptor.
struct Descriptor {
  std::string name;
  int copy = -1;
  int32_t error = 0;
  std::string text;  // link, then fdinfo
  size_t link_size = 0;
  bool has_owner = false;
  int32_t flags = 0;
};

using Table = std::vector<Descriptor>;

// Whether a file sends signals to somebody, or by a number of its own (F_SETOWN, F_SETSIG). True if
// that cannot be told: fcntl(2) refuses O_PATH files.
bool HasOwner(int file) {
  f_owner_ex owner = {};
  return fcntl(file, F_GETOWN_EX, &owner) < 0 || owner.pid != 0 || fcntl(file, F_GETSIG) != 0;
}

// The functions below return 0 or -errno.

int CopyAll(int pidfd, DIR* links, Table* table) {
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(links);
    if (!entry) return -errno;
    if (entry->d_name[0] == '.') continue;
    Descriptor descriptor;
    descriptor.name = entry->d_name;
    descriptor.copy = static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0));
    if (descriptor.copy < 0) return -errno;
    table->push_back(std::move(descriptor));
  }
}

int ReadOne(int links, int infos, Descriptor* descriptor) {
  const char* name = descriptor->name.c_str();
  int error = AppendLink(links, name, &descriptor->text);
  if (error) return error;
  descriptor->link_size = descriptor->text.size();
  error = AppendFile(infos, name, &descriptor->text);
  if (error) return error;
  descriptor->has_owner = HasOwner(descriptor->copy);
  descriptor->flags = fcntl(descriptor->copy, F_GETFL);
  return 0;
}

int ReadAll(pid_t pid, Table* table) {
  const std::string process = "/proc/" + std::to_string(pid);
  // Open until the end: it is among the descriptors if the process is our own.
  const Owned pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd.get() < 0) return -errno;
  const Owned infos(open((process + "/fdinfo").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (infos.get() < 0) return -errno;
  DIR* links = opendir((process + "/fd").c_str());
  if (!links) return -errno;
  int error = CopyAll(pidfd.get(), links, table);
  if (!error) {
    ForAll(table->size(), [&](size_t i) {
      Descriptor* descriptor = &(*table)[i];
      descriptor->error = ReadOne(dirfd(links), infos.get(), descriptor);
    });
  }
  closedir(links);
  for (const Descriptor& descriptor : *table)
    if (descriptor.error && !error) error = descriptor.error;
  return error;
}

}  // namespace

Napi::Value ReadDescriptors(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  Table table;
  const int error = ReadAll(info[0].As<Napi::Number>().Int32Value(), &table);
  if (error) {
    for (const Descriptor& descriptor : table) close(descriptor.copy);
    return Napi::Number::New(env, error);
  }
  auto numbers = Napi::Int32Array::New(env, kNumbers * table.size());
  int32_t* number = numbers.Data();
  std::string text;
  for (const Descriptor& descriptor : table) {
    *number++ = atoi(descriptor.name.c_str());
    *number++ = descriptor.copy;
    *number++ = static_cast<int32_t>(text.size() + descriptor.link_size);
    text += descriptor.text;
    *number++ = static_cast<int32_t>(text.size());
    *number++ = descriptor.has_owner ? 1 : 0;
    *number++ = descriptor.flags;
  }
  auto result = Napi::Object::New(env);
  result.Set("numbers", numbers);
  result.Set("text", Napi::Buffer<char>::Copy(env, text.data(), text.size()));
  return result;
}

Napi::Value FindOpenFile(const Napi::CallbackInfo& info) {
  const auto sorted = info[0].As<Napi::Int32Array>();
  const int fd = info[2].As<Napi::Number>().Int32Value();
  auto place = info[3].As<Napi::Int32Array>();
  const pid_t self = getpid();
  int low = 0;
  int high = info[1].As<Napi::Number>().Int32Value();
  long order = 1;
  while (low < high && order != 0) {
    const int middle = low + (high - low) / 2;
    order = syscall(SYS_kcmp, self, self, KCMP_FILE, fd, sorted[middle]);
    if (order < 0) return Napi::Number::New(info.Env(), -errno);
    if (order == 0) {
      low = middle;
    } else if (order == 1) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  place[0] = low;
  return Napi::Number::New(info.Env(), order == 0 ? 1 : 0);
}

Napi::Value StatBelow(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto path = info[1].As<Napi::Uint8Array>();
  const auto how = info[2].As<Napi::Uint8Array>();
  auto found = info[3].As<Napi::Uint8Array>();
  const Owned file(static_cast<int>(syscall(SYS_openat2, info[0].As<Napi::Number>().Int32Value(),
                                            path.Data(), how.Data(), how.ByteLength())));
  if (file.get() < 0) return Napi::Number::New(env, -errno);
  struct stat what = {};
  if (fstat(file.get(), &what) < 0) return Napi::Number::New(env, -errno);
  if (found.ByteLength() < sizeof what) return Napi::Number::New(env, -EINVAL);
  memcpy(found.Data(), &what, sizeof what);
  return Napi::Number::New(env, 0);
}

}  // namespace mvas
