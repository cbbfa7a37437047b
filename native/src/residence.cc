// SPDX-License-Identifier: Apache-2.0
#include "residence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <cstddef>
#include <stdexcept>

#include "ptrace_requests.h"
#include "texts.h"

namespace mvas {
namespace {

// No result of mmap(2) that is an address.
bool IsError(int64_t result) { return result < 0 && result >= -4095; }

bool IsSystemCall(pid_t tid, uint64_t address) {
  errno = 0;
  const long word = ptrace(PTRACE_PEEKTEXT, tid, address, nullptr);
  return errno == 0 && StartsWithCall(static_cast<uint64_t>(word));
}

// Adds an address to words among the pieces.
void Point(uint64_t address, const std::vector<uint64_t>& pointers,
           const std::vector<Piece>& pieces) {
  for (const uint64_t at : pointers) {
    for (const Piece& piece : pieces) {
      uint64_t word;
      if (at < piece.at || at + sizeof word > piece.at + piece.length) continue;
      memcpy(&word, piece.bytes + (at - piece.at), sizeof word);
      word += address;
      memcpy(piece.bytes + (at - piece.at), &word, sizeof word);
    }
  }
}

// Through the file: a process may have forbidden itself memory that is both writable and
// executable. Returns 0 or -errno.
int Fill(pid_t pid, uint64_t address, uint64_t size, const std::vector<Piece>& pieces) {
  char path[96];
  snprintf(path, sizeof path, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, address,
           address + size);
  const Owned file(open(path, O_RDWR | O_CLOEXEC));
  if (file.get() < 0) return -errno;
  for (const Piece& piece : pieces) {
    const auto at = static_cast<off_t>(piece.at);
    const ssize_t done = pwrite(file.get(), piece.bytes, piece.length, at);
    if (done < 0) return -errno;
    if (static_cast<size_t>(done) != piece.length) return -EIO;
  }
  return 0;
}

// Reads words from the beginning to the end.
class Words {
 public:
  explicit Words(const std::vector<uint64_t>& words) : words_(words) {}
  bool done() const { return at_ == words_.size(); }
  uint64_t Next() { return words_.at(at_++); }

  template <class T>
  T Take() {
    static_assert(sizeof(T) % sizeof(uint64_t) == 0, "not words");
    uint64_t taken[sizeof(T) / sizeof(uint64_t)];
    for (uint64_t& word : taken) word = Next();
    T value;
    memcpy(&value, taken, sizeof value);
    return value;
  }

 private:
  const std::vector<uint64_t>& words_;
  size_t at_ = 0;
};

// Bytes that pieces are taken from, one after the other.
struct Stock {
  uint8_t* bytes;
  size_t left;
};

Piece TakePiece(Words* words, Stock* stock) {
  const Piece piece = {words->Next(), stock->bytes, words->Next()};
  if (piece.length > stock->left) throw std::out_of_range("a piece");
  stock->bytes += piece.length;
  stock->left -= piece.length;
  return piece;
}

Residence TakeResidence(Words* words, Stock* stock) {
  Residence taken;
  taken.pid = static_cast<pid_t>(words->Next());
  taken.instruction = words->Next();
  taken.signal_mask = words->Next();
  taken.size = words->Next();
  const uint64_t pieces = words->Next(), pointers = words->Next(), residents = words->Next();
  taken.map = words->Take<RemoteCall>();
  taken.protect = words->Take<RemoteCall>();
  taken.resume = words->Take<Registers>();
  for (uint64_t i = 0; i < pieces; i++) taken.pieces.push_back(TakePiece(words, stock));
  for (uint64_t i = 0; i < pointers; i++) taken.pointers.push_back(words->Next());
  for (uint64_t i = 0; i < residents; i++) {
    const auto tid = static_cast<pid_t>(words->Next());
    taken.residents.push_back({tid, words->Take<Registers>()});
  }
  return taken;
}

int SettleAll(const std::vector<Resident>& residents, uint64_t address) {
  for (const Resident& resident : residents) {
    Registers registers = resident.registers;
    Relocate(&registers, address);
    const int error = Settle(resident.tid, registers);
    if (error) return error;
  }
  return 0;
}

}  // namespace

std::vector<Residence> ReadResidences(const std::vector<uint64_t>& words, uint8_t* bytes,
                                      size_t length) {
  std::vector<Residence> all;
  Stock stock = {bytes, length};
  for (Words rest(words); !rest.done();) all.push_back(TakeResidence(&rest, &stock));
  return all;
}

MovedIn MoveIn(const Residence& residence, bool* stop_signal, const Late& late) {
  MovedIn moved;
  const pid_t leader = residence.residents.at(0).tid;
  if (!IsSystemCall(leader, residence.instruction)) {
    moved.error = -ENOEXEC;
    return moved;
  }
  std::vector<int64_t> results;
  moved.error = ExposedCalls(leader, residence.instruction, residence.resume, residence.signal_mask,
                             {residence.map}, &results, stop_signal, late);
  if (!results.empty()) moved.address = results[0];
  if (moved.error || IsError(moved.address)) return moved;
  const auto address = static_cast<uint64_t>(moved.address);
  Point(address, residence.pointers, residence.pieces);
  moved.error = Fill(residence.pid, address, residence.size, residence.pieces);
  if (!moved.error) moved.error = SettleAll(residence.residents, address);
  if (moved.error) return moved;
  Registers site = residence.residents[0].registers;
  Relocate(&site, address);
  RemoteCall protect = residence.protect;
  protect.args[0] += address;
  results.clear();
  moved.error = RemoteCalls(leader, address, StackPointer(site), {protect}, &results, stop_signal);
  if (!results.empty()) moved.protect = results[0];
  return moved;
}

}  // namespace mvas
