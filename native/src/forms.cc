// SPDX-License-Identifier: Apache-2.0
#include "forms.h"

#include <string.h>

#include <algorithm>
#include <vector>

#include "wire.h"

namespace mvas {
namespace {

// As in src/common/wire/forms.ts.
enum Code { kNumber, kSame, kWords, kBegin, kEnd, kText, kPart };
constexpr double kAbsent = -1;
constexpr size_t kHeaderCells = 3;
constexpr size_t kMostDepth = 4;
constexpr uint64_t kMostWord = 0xffffffff;
constexpr size_t kSizeBytes = 4;
// How many different parts of a field are remembered.
constexpr size_t kMostSeen = 4;

// The last different parts of a field.
struct Seen {
  size_t at[kMostSeen], length[kMostSeen], count = 0;

  // Where the same bytes were before, or else are now.
  size_t FirstOf(const uint8_t* bytes, size_t place, size_t size) {
    for (size_t i = 0; i < std::min(count, kMostSeen); i++) {
      if (length[i] == size && memcmp(bytes + at[i], bytes + place, size) == 0) return at[i];
    }
    at[count % kMostSeen] = place;
    length[count++ % kMostSeen] = size;
    return place;
  }
};

struct Step {
  Code code;
  uint32_t tag;
  double least, most;
  bool is_required;
  Seen seen;
};

struct Form {
  std::vector<Step> steps;
};

// The cells that a step fills.
size_t CellsOf(const Step& step) {
  switch (step.code) {
    case kNumber:
      return 1;
    case kWords:
      return 1 + static_cast<size_t>(step.most);
    case kText:
    case kPart:
      return 2;
    default:
      return 0;
  }
}

size_t WidthOf(const std::vector<Form>& forms) {
  size_t most = 0;
  for (const Form& form : forms) {
    size_t width = 0;
    for (const Step& step : form.steps) width += CellsOf(step);
    most = std::max(most, width);
  }
  return kHeaderCells + most;
}

// Reads one message by the steps of its form.
class Message {
 public:
  Message(WireCursor cursor, const uint8_t* constants, double* cells)
      : cursor_(cursor), constants_(constants), cells_(cells) {}

  bool Is(Form* form) {
    for (Step& step : form->steps) {
      if (!Take(&step)) return false;
    }
    return depth_ == 0 && cursor_.at == cursor_.end;
  }

 private:
  bool Take(Step* step) {
    switch (step->code) {
      case kNumber:
        return Number(*step);
      case kSame:
        return Same(*step);
      case kWords:
        return Words(*step);
      case kBegin:
        return Begin(step->tag);
      case kEnd:
        return End();
      case kText:
      case kPart:
        return Part(step);
    }
    return false;
  }

  bool Number(const Step& step) {
    uint64_t value;
    if (!cursor_.Skip(step.tag)) {
      *cells_++ = kAbsent;
      return !step.is_required;
    }
    if (!cursor_.Varint(&value)) return false;
    *cells_ = static_cast<double>(value);
    const bool is_within = *cells_ >= step.least && *cells_ <= step.most;
    cells_++;
    return is_within;
  }

  bool Same(const Step& step) {
    const size_t length = static_cast<size_t>(step.most);
    const uint8_t* wanted = constants_ + static_cast<size_t>(step.least);
    if (length > cursor_.end - cursor_.at) return false;
    if (memcmp(cursor_.bytes + cursor_.at, wanted, length) != 0) return false;
    cursor_.at += length;
    return true;
  }

  bool Words(const Step& step) {
    const size_t most = static_cast<size_t>(step.most);
    size_t count = 0;
    for (; count < most && cursor_.Skip(step.tag); count++) {
      uint64_t value;
      if (!cursor_.Varint(&value) || value > kMostWord) return false;
      cells_[1 + count] = static_cast<double>(value);
    }
    cells_[0] = static_cast<double>(count);
    cells_ += 1 + most;
    return true;
  }

  // Skips a tag, and reads the length of what is behind it.
  bool Length(uint32_t tag, size_t* length) {
    uint64_t value;
    if (!cursor_.Skip(tag) || !cursor_.Varint(&value)) return false;
    *length = static_cast<size_t>(value);
    return value <= cursor_.end - cursor_.at;
  }

  bool Begin(uint32_t tag) {
    size_t length;
    if (depth_ == kMostDepth || !Length(tag, &length)) return false;
    ends_[depth_++] = cursor_.end;
    cursor_.end = cursor_.at + length;
    return true;
  }

  bool End() {
    if (depth_ == 0 || cursor_.at != cursor_.end) return false;
    cursor_.end = ends_[--depth_];
    return true;
  }

  bool Part(Step* step) {
    size_t length;
    if (!Length(step->tag, &length)) return false;
    const uint8_t* bytes = cursor_.bytes + cursor_.at;
    if (step->code == kText && !std::all_of(bytes, bytes + length, IsPlain)) return false;
    *cells_++ = static_cast<double>(step->seen.FirstOf(cursor_.bytes, cursor_.at, length));
    *cells_++ = static_cast<double>(length);
    cursor_.at += length;
    return true;
  }

  static bool IsPlain(uint8_t byte) { return byte >= ' ' && byte <= '~'; }

  WireCursor cursor_;
  const uint8_t* constants_;
  double* cells_;
  size_t ends_[kMostDepth], depth_ = 0;
};

// The messages of a list.
class List {
 public:
  List(const uint8_t* bytes, size_t at, size_t end) : bytes_(bytes), at_(at), end_(end) {}

  // Reads the next message into a row; false if it is of no form.
  bool Read(std::vector<Form>* forms, const uint8_t* constants, const double* payload,
            double* row) {
    uint32_t size;
    if (end_ - at_ < kSizeBytes) return false;
    memcpy(&size, bytes_ + at_, kSizeBytes);
    const size_t begin = at_ + kSizeBytes;
    if (size > end_ - begin) return false;
    const WireCursor cursor = {bytes_, begin, begin + size};
    for (size_t tried = 0; tried < forms->size(); tried++) {
      if (!Message(cursor, constants, row + kHeaderCells).Is(&(*forms)[form_])) {
        form_ = (form_ + 1) % forms->size();
        continue;
      }
      return Add(cursor.end, payload, row);
    }
    return false;
  }

 private:
  bool Add(size_t behind, const double* payload, double* row) {
    double more = 0;
    for (size_t i = 0; i < 2; i++) {
      if (payload[i] >= 0) more += row[kHeaderCells + static_cast<size_t>(payload[i])];
    }
    if (more > static_cast<double>(end_ - behind)) return false;
    row[0] = static_cast<double>(form_);
    row[1] = static_cast<double>(at_);
    row[2] = static_cast<double>(behind);
    at_ = behind + static_cast<size_t>(more);
    return true;
  }

  const uint8_t* bytes_;
  size_t at_, end_;
  // The last one, which is tried first.
  size_t form_ = 0;
};

std::vector<Form> FormsOf(const Napi::Float64Array& numbers) {
  std::vector<Form> forms;
  for (size_t at = 2; at < numbers.ElementLength();) {
    forms.emplace_back();
    for (size_t left = static_cast<size_t>(numbers[at++]); left > 0; left--, at += 5) {
      const double* words = numbers.Data() + at;
      forms.back().steps.push_back({static_cast<Code>(static_cast<int>(words[0])),
                                    static_cast<uint32_t>(words[1]), words[2], words[3],
                                    words[4] != 0, Seen()});
    }
  }
  return forms;
}

}  // namespace

Napi::Value ReadForms(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  const auto where = info[1].As<Napi::Float64Array>();
  const auto numbers = info[2].As<Napi::Float64Array>();
  const auto constants = info[3].As<Napi::Uint8Array>();
  std::vector<Form> forms = FormsOf(numbers);
  const size_t width = WidthOf(forms),
               end = std::min(static_cast<size_t>(where[1]), bytes.ByteLength());
  List list(bytes.Data(), std::min(static_cast<size_t>(where[0]), end), end);
  const size_t most = static_cast<size_t>(where[2]);
  std::vector<double> found;
  size_t length = 0;
  for (; length < most; length++) {
    found.resize((length + 1) * width, kAbsent);
    double* row = found.data() + length * width;
    if (!list.Read(&forms, constants.Data(), numbers.Data(), row)) break;
  }
  auto cells = Napi::Float64Array::New(info.Env(), length * width);
  std::copy_n(found.data(), length * width, cells.Data());
  auto result = Napi::Object::New(info.Env());
  result.Set("cells", cells);
  result.Set("length", static_cast<double>(length));
  result.Set("width", static_cast<double>(width));
  return result;
}

}  // namespace mvas
