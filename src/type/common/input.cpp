#include "type/common/input.h"

extern "C" {
#include "mb/pg_wchar.h"
}

#include <charconv>
#include <cmath>
#include <cstring>
#include <system_error>

namespace hnswpg {
namespace {

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

// Of `size` bytes at `text`, as many whole characters as fit in `limit` bytes.
int ClipTo(const char* text, size_t size, int limit) {
  if (size <= static_cast<size_t>(limit)) return static_cast<int>(size);
  // Any longer length does; pg_mbcliplen takes an int.
  return pg_mbcliplen(text, limit + 8, limit);
}

// The literal for an error message: whole if it is short, else what stands
// around `at`. Everything before `at` has been read and therefore is ASCII, so
// it may be cut anywhere.
const char* Quote(const Input& input, const char* at) {
  constexpr int kWhole = 120;
  constexpr int kAround = 40;
  if (input.end - input.text <= kWhole) return input.text;
  const char* from = at - input.text > kAround ? at - kAround : input.text;
  size_t after = static_cast<size_t>(input.end - at);
  int size = static_cast<int>(at - from) + ClipTo(at, after, kAround);
  return psprintf("%s%.*s%s", from > input.text ? "..." : "", size, from,
                  from + size < input.end ? "..." : "");
}

// What was found instead of what was expected, up to the next separator.
const char* Found(const Input& input, const char* at) {
  if (at == input.end) return "the end of the input";
  constexpr int kLimit = 30;
  size_t size = 1;
  while (at + size < input.end && !IsSpace(at[size]) && !strchr("[],", at[size])) size++;
  if (strchr("[],", *at)) size = 1;
  return psprintf("\"%.*s\"", ClipTo(at, size, kLimit), at);
}

// Whether the number written from `at` to `end`, without sign and prefix, is
// below 1. Only asked for numbers that no float can hold.
bool IsBelowOne(const char* at, const char* end, bool hex) {
  const char exponent_mark = hex ? 'p' : 'e';
  int64_t places = 0;  // the number is 0.ddd * base ^ places
  bool point = false, digit = false;
  for (; at < end && (*at | 0x20) != exponent_mark; at++) {
    if (*at == '.') {
      point = true;
    } else if (*at == '0' && !digit) {
      places -= point;
    } else {
      digit = true;
      places += !point;
    }
  }
  if (!digit) return true;  // it is zero
  int64_t exponent = 0;
  if (at < end) {
    bool negative = *++at == '-';
    if (*at == '-' || *at == '+') at++;
    constexpr int64_t kEnough = INT64_C(1) << 40;  // no literal has that many digits
    for (; at < end && exponent < kEnough; at++) exponent = exponent * 10 + (*at - '0');
    if (negative) exponent = -exponent;
  }
  return places * (hex ? 4 : 1) + exponent <= 0;
}

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

}  // namespace

const char* SkipSpace(const char* at) {
  while (IsSpace(*at)) at++;
  return at;
}

void SyntaxError(const Input& input, const char* at, const char* expected) {
  InputError(input.context,
             (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
              errmsg("invalid input syntax for type %s: \"%s\"", input.type, Quote(input, at)),
              errdetail("Expected %s at character %lld, found %s.", expected,
                        static_cast<long long>(at - input.text) + 1, Found(input, at))));
}

void OutOfRangeError(const Input& input, const char* at, const char* end, int index) {
  InputError(input.context, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                             errmsg("\"%.*s\" is out of range for type %s",
                                    ClipTo(at, static_cast<size_t>(end - at), 60), at, input.type),
                             errdetail("It is element %d.", index + 1)));
}

bool ReadFloat(const Input& input, const char** at, int index, float* value) {
  const char* first = *at;
  const bool negative = *first == '-';
  if (*first == '-' || *first == '+') first++;
  const bool hex = first[0] == '0' && (first[1] | 0x20) == 'x' &&
                   (IsHexDigit(first[2]) || (first[2] == '.' && IsHexDigit(first[3])));
  if (hex) first += 2;

  float magnitude = 0.0f;
  std::from_chars_result read{first, std::errc::invalid_argument};
  if (*first != '-')  // from_chars would take a second sign
    read = std::from_chars(first, input.end, magnitude,
                           hex ? std::chars_format::hex : std::chars_format::general);
  if (read.ec == std::errc::invalid_argument) {
    SyntaxError(input, *at, "a number");
    return false;
  }
  if (read.ec == std::errc::result_out_of_range) {
    if (!IsBelowOne(first, read.ptr, hex)) {
      OutOfRangeError(input, *at, read.ptr, index);
      return false;
    }
    magnitude = 0.0f;
  }
  if (!std::isfinite(magnitude)) {
    InputError(input.context, NotFiniteError(input.type, magnitude, index));
    return false;
  }
  *value = negative ? -magnitude : magnitude;
  *at = read.ptr;
  return true;
}

}  // namespace hnswpg
