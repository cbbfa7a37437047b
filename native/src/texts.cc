// SPDX-License-Identifier: Apache-2.0
#include "texts.h"

#include <errno.h>
#include <fcntl.h>

#include <vector>

namespace mvas {
namespace {

constexpr size_t kPart = 16384;

using Append = int (*)(int directory, const char* name, std::string* text);

// Two numbers for each name: 0 or -errno, and where its content ends in the text.
void AppendAll(int directory, const Napi::Value& names, Append append, std::string* text,
               std::vector<int32_t>* results) {
  const auto list = names.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const std::string name = list.Get(i).As<Napi::String>();
    results->push_back(append(directory, name.c_str(), text));
    results->push_back(static_cast<int32_t>(text->size()));
  }
}

}  // namespace

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
  const std::string path = info[0].As<Napi::String>();
  const Owned directory(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return Napi::Number::New(env, -errno);
  std::string text;
  std::vector<int32_t> results;
  AppendAll(directory.get(), info[1], AppendFile, &text, &results);
  AppendAll(directory.get(), info[2], AppendLink, &text, &results);
  auto numbers = Napi::Int32Array::New(env, results.size());
  for (size_t i = 0; i < results.size(); i++) numbers[i] = results[i];
  auto object = Napi::Object::New(env);
  object.Set("results", numbers);
  object.Set("text", Napi::Buffer<char>::Copy(env, text.data(), text.size()));
  return object;
}

}  // namespace mvas
