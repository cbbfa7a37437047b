// SPDX-License-Identifier: Apache-2.0
#include "areas.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "texts.h"

namespace mvas {
namespace {

// As src/native/area-table.ts has it.
struct Area {
  uint64_t start, end, offset, inode;
  uint32_t major, minor;
  uint32_t permissions;  // 1: r, 2: w, 4: x, 8: shared
  uint32_t protection_key;
  uint32_t name, flags;               // numbers of texts
  double rss, anon_huge_pages, swap;  // bytes
};
static_assert(sizeof(Area) == 80);

// Lines, each once, numbered from 0 on.
class Texts {
 public:
  uint32_t NumberOf(std::string_view text) {
    const auto [known, is_new] = numbers_.try_emplace(std::string(text), numbers_.size());
    if (is_new) all_.append(text).push_back('\n');
    return known->second;
  }
  const std::string& all() const { return all_; }

 private:
  std::unordered_map<std::string, uint32_t> numbers_;
  std::string all_;
};

// Takes fields off the front of a line.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}

  bool Take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // One of two characters; the first sets the bit.
  bool TakeEither(char set, char clear, uint32_t bit, uint32_t* bits) {
    if (Take(set)) {
      *bits |= bit;
      return true;
    }
    return Take(clear);
  }

  template <typename T>
  bool TakeNumber(uint64_t base, T* number) {
    uint64_t value = 0;
    size_t digits = 0;
    for (; digits < rest_.size(); digits++) {
      const uint64_t digit = DigitOf(rest_[digits]);
      if (digit >= base) break;
      if (__builtin_mul_overflow(value, base, &value)) return false;
      if (__builtin_add_overflow(value, digit, &value)) return false;
    }
    *number = static_cast<T>(value);
    if (digits == 0 || *number != value) return false;
    rest_.remove_prefix(digits);
    return true;
  }

  void SkipBlanks() {
    while (Take(' ') || Take('\t')) continue;
  }

  std::string_view rest() const { return rest_; }

 private:
  static uint64_t DigitOf(char character) {
    if (character >= '0' && character <= '9') return static_cast<uint64_t>(character - '0');
    if (character >= 'a' && character <= 'f') return static_cast<uint64_t>(character - 'a') + 10;
    return ~uint64_t{0};
  }

  std::string_view rest_;
};

class Parser {
 public:
  // has_details: lines with counters and flags follow the header of each area.
  explicit Parser(bool has_details) : has_details_(has_details) {}

  // Takes all whole lines of a piece; returns their length. Takes nothing after a malformed one.
  size_t Feed(std::string_view piece) {
    size_t at = 0;
    while (!wrong_) {
      const size_t end = piece.find('\n', at);
      if (end == std::string_view::npos) break;
      Line(piece.substr(at, end - at));
      at = end + 1;
    }
    return at;
  }

  // The last line may lack its end.
  void Finish(std::string_view rest) {
    if (!rest.empty() && !wrong_) Line(rest);
    if (is_open_ && !wrong_) wrong_ = header_;
  }

  Napi::Value Result(Napi::Env env) const {
    const size_t size = areas_.size() * sizeof(Area);
    auto areas = Napi::ArrayBuffer::New(env, size);
    if (size > 0) memcpy(areas.Data(), areas_.data(), size);
    auto result = Napi::Object::New(env);
    result.Set("areas", areas);
    result.Set("texts", Napi::Buffer<char>::Copy(env, texts_.all().data(), texts_.all().size()));
    result.Set("wrong", wrong_ ? Napi::Buffer<char>::Copy(env, wrong_->data(), wrong_->size())
                               : env.Undefined());
    return result;
  }

 private:
  // An area is open from its header to its flags, which come last.
  void Line(std::string_view line) {
    if (!is_open_) {
      Check(line, Header(line));
    } else if (line.empty() || line.front() <= '9' || line.front() >= 'a') {
      wrong_ = header_;  // The next one begins, and this one has no flags.
    } else if (line.front() == 'R') {
      Check(line, Counter(line, "Rss:", &area_.rss));
    } else if (line.front() == 'A') {
      Check(line, Counter(line, "AnonHugePages:", &area_.anon_huge_pages));
    } else if (line.front() == 'S') {
      Check(line, Counter(line, "Swap:", &area_.swap));
    } else if (line.front() == 'P') {
      Check(line, Key(line));
    } else if (line.substr(0, kFlags.size()) == kFlags) {
      area_.flags = texts_.NumberOf(line.substr(kFlags.size()));
      areas_.push_back(area_);
      is_open_ = false;
    }
  }

  void Check(std::string_view line, bool is_right) {
    if (!is_right) wrong_ = line;
  }

  bool Header(std::string_view line) {
    Fields fields(line);
    area_ = {};
    uint32_t* bits = &area_.permissions;
    const bool is_right =
        fields.TakeNumber(16, &area_.start) && fields.Take('-') &&
        fields.TakeNumber(16, &area_.end) && fields.Take(' ') && area_.start < area_.end &&
        fields.TakeEither('r', '-', 1, bits) && fields.TakeEither('w', '-', 2, bits) &&
        fields.TakeEither('x', '-', 4, bits) && fields.TakeEither('s', 'p', 8, bits) &&
        fields.Take(' ') && fields.TakeNumber(16, &area_.offset) && fields.Take(' ') &&
        fields.TakeNumber(16, &area_.major) && fields.Take(':') &&
        fields.TakeNumber(16, &area_.minor) && fields.Take(' ') &&
        fields.TakeNumber(10, &area_.inode);
    if (!is_right || (!fields.rest().empty() && fields.rest().front() != ' ')) return false;
    while (fields.Take(' ')) continue;
    area_.name = texts_.NumberOf(fields.rest());
    if (!has_details_) {
      areas_.push_back(area_);
      return true;
    }
    header_ = line;
    is_open_ = true;
    return true;
  }

  static bool Counter(std::string_view line, std::string_view key, double* bytes) {
    if (line.substr(0, key.size()) != key) return true;
    Fields fields(line.substr(key.size()));
    uint64_t kibibytes = 0;
    fields.SkipBlanks();
    if (!fields.TakeNumber(10, &kibibytes) || fields.rest() != " kB") return false;
    *bytes = static_cast<double>(kibibytes) * 1024;
    return kibibytes < uint64_t{1} << 40;
  }

  bool Key(std::string_view line) {
    constexpr std::string_view kKey = "ProtectionKey:";
    if (line.substr(0, kKey.size()) != kKey) return true;
    Fields fields(line.substr(kKey.size()));
    fields.SkipBlanks();
    return fields.TakeNumber(10, &area_.protection_key) && fields.rest().empty();
  }

  static constexpr std::string_view kFlags = "VmFlags:";
  const bool has_details_;
  std::vector<Area> areas_;
  Texts texts_;
  Area area_{};
  std::string header_;
  bool is_open_ = false;
  std::optional<std::string> wrong_;
};

// Returns 0 or -errno.
int ParseFile(const char* path, Parser* parser) {
  const Owned file(open(path, O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return -errno;
  std::vector<char> room(65536);
  size_t used = 0;
  for (;;) {
    if (used == room.size()) room.resize(room.size() * 2);
    const ssize_t got = read(file.get(), room.data() + used, room.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) break;
    used += static_cast<size_t>(got);
    const size_t done = parser->Feed({room.data(), used});
    used -= done;
    memmove(room.data(), room.data() + done, used);
  }
  parser->Finish({room.data(), used});
  return 0;
}

}  // namespace

Napi::Value ReadAreas(const Napi::CallbackInfo& info) {
  Parser parser(info[1].As<Napi::Boolean>());
  const int error = ParseFile(info[0].As<Napi::String>().Utf8Value().c_str(), &parser);
  return error ? Napi::Number::New(info.Env(), error) : parser.Result(info.Env());
}

Napi::Value ParseAreas(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  const std::string_view text(reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength());
  Parser parser(true);
  parser.Finish(text.substr(parser.Feed(text)));
  return parser.Result(info.Env());
}

}  // namespace mvas
