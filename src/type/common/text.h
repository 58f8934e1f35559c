// The text form of a vector and a halfvec: [1,2.5,-3e-7].
//
// White space may stand around numbers and brackets. Numbers are read by
// std::from_chars, so they are rounded correctly, to the nearest float, whatever
// the locale; besides what it reads, a leading + and hexadecimal numbers (0x1p-3)
// are understood, as strtof understands them. Numbers too small for the type's
// elements become zero, numbers too large are refused. Output is the shortest text that
// reads back as the same float.
#ifndef TYPE_COMMON_TEXT_H_
#define TYPE_COMMON_TEXT_H_

#include "hnswpg/type/common/dense.h"

extern "C" {
#include "common/shortest_dec.h"
}

#include <cmath>
#include <cstring>

#include "type/common/input.h"

namespace hnswpg {

// The number of elements if what follows `at` is well formed.
inline int64_t CountElements(const char* at) {
  int64_t n = 1;
  for (; *at != '\0'; at++) n += *at == ',';
  return n;
}

// Reads an element. Returns false after an error.
template <class E>
bool ReadElement(const Input& input, const char** at, int index, E* element) {
  const char* first = *at;
  float value;
  if (!ReadFloat(input, at, index, &value)) return false;
  *element = Kind<E>::Of(value);
  if (std::isfinite(Kind<E>::Wide(*element))) return true;
  OutOfRangeError(input, first, *at, index);
  return false;
}

// Reads elements into `vector`, which has room for CountElements(at), up to and
// with the closing bracket, and moves *at behind it. Returns false after an error.
template <class E>
bool ReadElements(const Input& input, const char** at, Dense<E>* vector) {
  // As many elements are read as there are commas before them, so the room
  // suffices.
  for (int i = 0;; i++) {
    *at = SkipSpace(*at);
    if (!ReadElement(input, at, i, &vector->x[i])) return false;
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
template <class E>
Dense<E>* ReadDense(const Input& input, int32 typmod) {
  const char* at = SkipSpace(input.text);
  if (*at != '[') {
    SyntaxError(input, at, "\"[\"");
    return nullptr;
  }
  at = SkipSpace(at + 1);
  const int64_t dim = *at == ']' ? 0 : CountElements(at);
  if (dim < 1 || dim > kMaxDim) {
    InputError(input.context, BadDimError(input.type, dim));
    return nullptr;
  }
  Dense<E>* vector = NewDense<E>(static_cast<int>(dim));
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

// (cstring, oid, typmod). Each fault is described where it is; see above.
template <class E>
Datum DenseIn(FunctionCallInfo fcinfo) {
  const char* text = PG_GETARG_CSTRING(0);
  const Input input{Kind<E>::kType, text, text + strlen(text), fcinfo->context};
  Dense<E>* vector = ReadDense<E>(input, PG_GETARG_INT32(2));
  if (vector == nullptr) PG_RETURN_NULL();
  PG_RETURN_POINTER(vector);
}

template <class E>
Datum DenseOut(FunctionCallInfo fcinfo) {
  const Dense<E>* vector = GetArg<E>(fcinfo, 0);
  // A number takes at most FLOAT_SHORTEST_DECIMAL_LEN - 1 characters, so this
  // counts every separator, and [, ] and NUL in place of the last one.
  const size_t room = static_cast<size_t>(vector->dim) * FLOAT_SHORTEST_DECIMAL_LEN + 2;
  char* text = static_cast<char*>(palloc(room));
  char* at = text;
  *at++ = '[';
  for (int i = 0; i < vector->dim; i++) {
    if (i > 0) *at++ = ',';
    at += float_to_shortest_decimal_bufn(Kind<E>::Wide(vector->x[i]), at);
  }
  *at++ = ']';
  *at = '\0';
  PG_RETURN_CSTRING(text);
}

}  // namespace hnswpg

#endif  // TYPE_COMMON_TEXT_H_
