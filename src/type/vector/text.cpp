// The text form of a vector: [1,2.5,-3e-7].
//
// White space may stand around numbers and brackets. Numbers are read by
// std::from_chars, so they are rounded correctly, to the nearest float, whatever
// the locale; besides what it reads, a leading + and hexadecimal numbers (0x1p-3)
// are understood, as strtof understands them. Numbers too small for a float
// become zero, numbers too large are refused. Output is the shortest text that
// reads back as the same float.
#include "hnswpg/type/vector/vector.h"

extern "C" {
#include "common/shortest_dec.h"
#include "mb/pg_wchar.h"
}

#include <charconv>
#include <cmath>
#include <cstring>
#include <system_error>

// Newer servers let the caller of an input function have errors saved instead
// of raised (COPY ... ON_ERROR, pg_input_is_valid). Whoever uses InputError
// returns at once afterwards.
#ifdef errsave
#define InputError(context, ...) errsave(context, __VA_ARGS__)
#else
#define InputError(context, ...) ereport(ERROR, __VA_ARGS__)
#endif

namespace hnswpg {
namespace {

struct Input {
  const char* text;  // the whole literal, NUL-terminated
  const char* end;   // its NUL
  Node* context;     // where soft errors go; null raises them
};

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

const char* SkipSpace(const char* at) {
  while (IsSpace(*at)) at++;
  return at;
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

void SyntaxError(const Input& input, const char* at, const char* expected) {
  InputError(input.context,
             (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
              errmsg("invalid input syntax for type vector: \"%s\"", Quote(input, at)),
              errdetail("Expected %s at character %lld, found %s.", expected,
                        static_cast<long long>(at - input.text) + 1, Found(input, at))));
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

// Reads the number at *at and moves *at behind it. Returns false after an error.
bool ReadNumber(const Input& input, const char** at, int index, float* value) {
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
      InputError(input.context, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                                 errmsg("\"%.*s\" is out of range for type vector",
                                        ClipTo(*at, static_cast<size_t>(read.ptr - *at), 60), *at),
                                 errdetail("It is element %d.", index + 1)));
      return false;
    }
    magnitude = 0.0f;
  }
  if (!std::isfinite(magnitude)) {
    InputError(input.context, NotFiniteError(magnitude, index));
    return false;
  }
  *value = negative ? -magnitude : magnitude;
  *at = read.ptr;
  return true;
}

// The number of elements if what follows `at` is well formed.
int64_t CountElements(const char* at) {
  int64_t n = 1;
  for (; *at != '\0'; at++) n += *at == ',';
  return n;
}

// Reads elements into `vector`, which has room for CountElements(at), up to and
// with the closing bracket, and moves *at behind it. Returns false after an error.
bool ReadElements(const Input& input, const char** at, Vector* vector) {
  // As many elements are read as there are commas before them, so the room
  // suffices.
  for (int i = 0;; i++) {
    *at = SkipSpace(*at);
    if (!ReadNumber(input, at, i, &vector->x[i])) return false;
    *at = SkipSpace(*at);
    const char separator = **at;
    if (separator != ',' && separator != ']') {
      SyntaxError(input, *at, "\",\" or \"]\"");
      return false;
    }
    ++*at;
    if (separator == ']') return true;
  }
}

// Returns null after an error.
Vector* ReadVector(const Input& input, int32 typmod) {
  const char* at = SkipSpace(input.text);
  if (*at != '[') {
    SyntaxError(input, at, "\"[\"");
    return nullptr;
  }
  at = SkipSpace(at + 1);
  const int64_t dim = *at == ']' ? 0 : CountElements(at);
  if (dim < 1 || dim > kMaxDim) {
    InputError(input.context, BadDimError(dim));
    return nullptr;
  }
  Vector* vector = NewVector(static_cast<int>(dim));
  if (!ReadElements(input, &at, vector)) return nullptr;
  at = SkipSpace(at);
  if (at != input.end) {
    SyntaxError(input, at, "the end of the input");
    return nullptr;
  }
  if (typmod != -1 && typmod != dim) {
    InputError(input.context, UnexpectedDimError(typmod, static_cast<int>(dim)));
    return nullptr;
  }
  return vector;
}

}  // namespace
}  // namespace hnswpg

using namespace hnswpg;

// (cstring, oid, typmod). Each fault is described where it is; see above.
HNSWPG_FUNCTION(vector_in)(PG_FUNCTION_ARGS) {
  const char* text = PG_GETARG_CSTRING(0);
  const Input input{text, text + strlen(text), fcinfo->context};
  Vector* vector = ReadVector(input, PG_GETARG_INT32(2));
  if (vector == nullptr) PG_RETURN_NULL();
  PG_RETURN_VECTOR_P(vector);
}

HNSWPG_FUNCTION(vector_out)(PG_FUNCTION_ARGS) {
  const Vector* vector = PG_GETARG_VECTOR_P(0);
  // A number takes at most FLOAT_SHORTEST_DECIMAL_LEN - 1 characters, so this
  // counts every separator, and [, ] and NUL in place of the last one.
  const size_t room = static_cast<size_t>(vector->dim) * FLOAT_SHORTEST_DECIMAL_LEN + 2;
  char* text = static_cast<char*>(palloc(room));
  char* at = text;
  *at++ = '[';
  for (int i = 0; i < vector->dim; i++) {
    if (i > 0) *at++ = ',';
    at += float_to_shortest_decimal_bufn(vector->x[i], at);
  }
  *at++ = ']';
  *at = '\0';
  PG_RETURN_CSTRING(text);
}
