// SPDX-License-Identifier: Apache-2.0
#include "rows.h"

#include <stddef.h>
#include <stdint.h>

#include <algorithm>

#include "wire.h"

namespace mvas {
namespace {

// As in src/common/wire/rows.ts.
constexpr double kAbsent = -1;
constexpr size_t kLengthEnd = 0x80;

struct Field {
  double tag, least, most, is_required;
};

struct List {
  const uint8_t* bytes;
  size_t size, from, end, most;
  uint8_t tag;
  const Field* fields;
  size_t width;
};

// The position behind a message whose length is at `begin`; 0 if there is none of this tag.
size_t BehindMessage(const List& list, size_t begin) {
  if (begin >= list.end || (begin != list.from && list.bytes[begin - 1] != list.tag)) return 0;
  const size_t length = list.bytes[begin];
  const size_t stop = begin + 1 + length;
  return length < kLengthEnd && stop <= list.end ? stop : 0;
}

size_t CountMessages(const List& list) {
  size_t count = 0;
  for (size_t at = list.from; count < list.most; count++) {
    at = BehindMessage(list, at);
    if (at == 0) break;
    at++;
  }
  return count;
}

// Reads a message into a row; false if it is not of the layout.
bool ReadRow(const List& list, size_t at, size_t stop, double* row) {
  // What lies behind `stop` shows in where it ends.
  WireCursor cursor = {list.bytes, at, list.size};
  for (size_t i = 0; i < list.width; i++) {
    const Field& field = list.fields[i];
    if (!cursor.Skip(static_cast<uint32_t>(field.tag))) {
      if (field.is_required != 0) return false;
      row[i] = kAbsent;
      continue;
    }
    uint64_t value;
    if (!cursor.Varint(&value)) return false;
    row[i] = static_cast<double>(value);
    if (row[i] < field.least || row[i] > field.most) return false;
  }
  return cursor.at == stop;
}

}  // namespace

Napi::Value ReadRows(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  const auto numbers = info[1].As<Napi::Float64Array>();
  const auto fields = info[2].As<Napi::Float64Array>();
  const auto number = [&](size_t i) { return static_cast<size_t>(numbers[i]); };
  const List list = {bytes.Data(),
                     bytes.ByteLength(),
                     number(0),
                     std::min(number(1), bytes.ByteLength()),
                     number(3),
                     static_cast<uint8_t>(number(2)),
                     reinterpret_cast<const Field*>(fields.Data()),
                     fields.ElementLength() / 4};
  const size_t count = CountMessages(list);
  auto cells = Napi::Float64Array::New(info.Env(), count * list.width);
  size_t length = 0, at = list.from;
  for (size_t begin = at; length < count; begin = at + 1, length++) {
    const size_t stop = BehindMessage(list, begin);
    if (!ReadRow(list, begin + 1, stop, cells.Data() + length * list.width)) break;
    at = stop;
  }
  auto result = Napi::Object::New(info.Env());
  result.Set("cells", cells);
  result.Set("length", static_cast<double>(length));
  result.Set("at", static_cast<double>(at));
  return result;
}

}  // namespace mvas
