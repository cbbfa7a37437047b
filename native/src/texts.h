// SPDX-License-Identifier: Apache-2.0
// Reads texts of the kernel's own file systems into one buffer.
#ifndef MVAS_TEXTS_H_
#define MVAS_TEXTS_H_

#include <napi.h>
#include <unistd.h>

#include <functional>
#include <string>

namespace mvas {

// A descriptor that is closed at the end of its scope.
class Owned {
 public:
  explicit Owned(int fd) : fd_(fd) {}
  ~Owned() {
    if (fd_ >= 0) close(fd_);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// Does work by index, on a second thread as well if there is enough of it: the kernel writes
// several texts at the same time.
void ForAll(size_t count, const std::function<void(size_t)>& work);

// Append the target of a link, or all of a file. 0 or -errno; then `text` is unchanged.
int AppendLink(int directory, const char* name, std::string* text);
int AppendFile(int directory, const char* name, std::string* text);

// readBelow(directories, files, links): reads files and links by their paths below each directory.
// Returns { results: Int32Array, text: Buffer }: for each directory 0 or -errno and where its texts
// begin, and for each file, then for each link, 0 or -errno and where it ends in the text; the next
// one begins there.
Napi::Value ReadBelow(const Napi::CallbackInfo& info);

}  // namespace mvas

#endif
