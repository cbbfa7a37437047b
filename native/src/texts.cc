// SPDX-License-Identifier: Apache-2.0
#include "texts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace mvas {
namespace {

constexpr size_t kPart = 16384;

// As many directories or files are worth a second thread.
constexpr size_t kMany = 32;

using Names = std::vector<std::string>;
using Append = int (*)(int directory, const char* name, std::string* text);

// What was read of one directory: two numbers for each name, 0 or -errno, and where its content
// ends in the text.
struct Folder {
  int32_t error = 0;
  std::string text;
  std::vector<int32_t> results;
};

Names ToNames(const Napi::Value& value) {
  const auto list = value.As<Napi::Array>();
  Names names;
  for (uint32_t i = 0; i < list.Length(); i++) names.push_back(list.Get(i).As<Napi::String>());
  return names;
}

void AppendAll(int directory, const Names& names, Append append, Folder* folder) {
  for (const std::string& name : names) {
    folder->results.push_back(append(directory, name.c_str(), &folder->text));
    folder->results.push_back(static_cast<int32_t>(folder->text.size()));
  }
}

void ReadFolder(const std::string& path, const Names& files, const Names& links, Folder* folder) {
  const Owned directory(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) {
    folder->error = -errno;
    return;
  }
  AppendAll(directory.get(), files, AppendFile, folder);
  AppendAll(directory.get(), links, AppendLink, folder);
}

}  // namespace

void ForAll(size_t count, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next{0};
  const auto some = [&] {
    for (size_t i; (i = next++) < count;) work(i);
  };
  std::thread helper;
  try {
    if (count >= kMany && std::thread::hardware_concurrency() > 1) helper = std::thread(some);
  } catch (const std::system_error&) {
    // No thread is to be had.
  }
  some();
  if (helper.joinable()) helper.join();
}

int AppendLink(int directory, const char* name, std::string* text) {
  char link[4096];  // d_path() writes no more
  const ssize_t length = readlinkat(directory, name, link, sizeof link);
  if (length < 0) return -errno;
  text->append(link, static_cast<size_t>(length));
  return 0;
}

int AppendFile(int directory, const char* name, std::string* text) {
  const Owned file(openat(directory, name, O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return -errno;
  const size_t begin = text->size();
  char part[kPart];
  ssize_t length;
  while ((length = read(file.get(), part, sizeof part)) > 0)
    text->append(part, static_cast<size_t>(length));
  if (length == 0) return 0;
  const int error = -errno;
  text->resize(begin);
  return error;
}

Napi::Value ReadBelow(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const Names paths = ToNames(info[0]), files = ToNames(info[1]), links = ToNames(info[2]);
  std::vector<Folder> folders(paths.size());
  ForAll(paths.size(), [&](size_t i) { ReadFolder(paths[i], files, links, &folders[i]); });
  const size_t row = 2 + 2 * (files.size() + links.size());
  size_t size = 0;
  for (const Folder& folder : folders) size += folder.text.size();
  auto numbers = Napi::Int32Array::New(env, row * folders.size());
  auto text = Napi::Buffer<char>::New(env, size);
  int32_t* number = numbers.Data();
  size_t end = 0;
  for (const Folder& folder : folders) {
    const auto begin = static_cast<int32_t>(end);
    number[0] = folder.error;
    number[1] = begin;
    for (size_t i = 0; i < folder.results.size(); i += 2) {
      number[2 + i] = folder.results[i];
      number[3 + i] = begin + folder.results[i + 1];
    }
    memcpy(text.Data() + end, folder.text.data(), folder.text.size());
    end += folder.text.size();
    number += row;
  }
  auto object = Napi::Object::New(env);
  object.Set("results", numbers);
  object.Set("text", text);
  return object;
}

}  // namespace mvas
