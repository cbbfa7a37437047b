// SPDX-License-Identifier: Apache-2.0
// Copies between descriptors on one thread, however many there are. It waits by epoll(7) and never
// blocks on any of them: a full output delays only its own input. No policy here: a copy continues
// until its input ends or either side fails.
#ifndef MVAS_PUMP_H_
#define MVAS_PUMP_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mvas {

// One copy, which owns its two descriptors.
class Copy {
 public:
  // What a copy waits for; kAgain: nothing, it has used up its share.
  enum class Next { kInput, kOutput, kAgain, kEnd };

  // `needle`: a text to look for in what is copied; empty: none.
  Copy(int epoll, uint32_t id, int from, int to, std::string needle);
  ~Copy();
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  // Moves what can be moved at once, up to its share.
  Next Step(std::vector<char>* buffer);
  // Asks to be woken once. False if it need not wait: such files are always ready.
  bool Await(Next next);
  // Whether the text has been found, once.
  bool TakeFound();

 private:
  struct Side {
    int fd;
    bool is_watched = false;
  };

  // The result of one move: bytes, or what to wait for if there are none.
  struct Moved {
    size_t bytes = 0;
    Next next = Next::kAgain;
  };

  Moved WriteRest();
  Moved Splice();
  Moved ReadAndWrite(std::vector<char>* buffer);
  void Look(const char* data, size_t size);
  size_t Unread() const;
  bool Watch(Side* side, uint32_t events);

  const int epoll_;
  const uint32_t id_;
  Side from_;
  Side to_;
  bool may_splice_;
  std::vector<char> rest_;  // read, and still to be written
  size_t rest_at_ = 0;
  std::string needle_;  // empty once it has been found
  std::string tail_;    // what may be the needle's beginning
  bool has_found_ = false;
};

class Pump {
 public:
  // Called on the pump's thread when a copy has ended by itself; its descriptors are closed.
  using Ended = std::function<void(uint32_t id)>;
  // Called on the pump's thread when a copy has come to its text, at most once.
  using Found = std::function<void(uint32_t id)>;

  Pump(Ended ended, Found found);
  ~Pump();

  // Takes both descriptors and makes them non-blocking. Returns a positive number, or -errno; then
  // it has taken nothing.
  int Start(int from, int to, std::string needle = {});
  // Ends a copy now and discards what was not written; ignores unknown ones.
  void Stop(uint32_t id);

 private:
  int Open();
  void Run();
  void Handle(uint32_t id);
  void Wake();

  const Ended ended_;
  const Found found_;
  std::vector<char> buffer_;
  int epoll_ = -1;
  int wake_ = -1;
  std::thread thread_;
  std::mutex mutex_;
  std::map<uint32_t, std::unique_ptr<Copy>> copies_;  // guarded by mutex_
  std::vector<uint32_t> ready_;                       // guarded by mutex_: need not wait
  uint32_t last_id_ = 0;                              // guarded by mutex_
  bool stopping_ = false;                             // guarded by mutex_
};

}  // namespace mvas

#endif
