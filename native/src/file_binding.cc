// SPDX-License-Identifier: Apache-2.0
#include "file_binding.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "counted_work.h"

namespace mvas {
namespace {

struct File {
  std::string name;
  const uint8_t* content;
  size_t length;
};

int WriteAll(int fd, const uint8_t* bytes, size_t length) {
  while (length > 0) {
    const ssize_t written = write(fd, bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -errno;
    bytes += written;
    length -= static_cast<size_t>(written);
  }
  return 0;
}

class Writing : public CountedWork {
 public:
  Writing(Napi::Env env, int directory, std::vector<File> files, const Napi::Value& contents)
      : CountedWork(env),
        contents_(Napi::Persistent(contents)),
        directory_(directory),
        files_(std::move(files)) {}

  void Execute() override {
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    for (const File& file : files_) {
      const int fd = openat(directory_, file.name.c_str(), kFlags, 0600);
      error_ = fd < 0 ? -errno : WriteAll(fd, file.content, file.length);
      if (fd >= 0 && close(fd) && !error_) error_ = -errno;
      if (error_) return;
      done_++;
    }
  }

 private:
  Napi::Reference<Napi::Value> contents_;  // keeps the bytes alive
  int directory_;
  std::vector<File> files_;
};

}  // namespace

Napi::Value WriteFiles(const Napi::CallbackInfo& info) {
  const auto names = info[1].As<Napi::Array>();
  const auto contents = info[2].As<Napi::Array>();
  std::vector<File> files;
  for (uint32_t i = 0; i < names.Length(); i++) {
    const auto bytes = contents.Get(i).As<Napi::Uint8Array>();
    files.push_back({names.Get(i).As<Napi::String>(), bytes.Data(), bytes.ByteLength()});
  }
  auto* writing =
      new Writing(info.Env(), info[0].As<Napi::Number>().Int32Value(), std::move(files), contents);
  writing->Queue();
  return writing->Promise();
}

}  // namespace mvas
