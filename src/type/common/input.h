// What reading a text form needs, whatever the type: errors that say where, and numbers.
#ifndef TYPE_COMMON_INPUT_H_
#define TYPE_COMMON_INPUT_H_

#include "hnswpg/type/common/dense.h"

// Newer servers let the caller of an input function have errors saved instead
// of raised (COPY ... ON_ERROR, pg_input_is_valid). Whoever uses InputError
// returns at once afterwards.
#ifdef errsave
#define InputError(context, ...) errsave(context, __VA_ARGS__)
#else
#define InputError(context, ...) ereport(ERROR, __VA_ARGS__)
#endif

namespace hnswpg {

struct Input {
  const char* type;  // the SQL type's name
  const char* text;  // the whole literal, NUL-terminated
  const char* end;   // its NUL
  Node* context;     // where soft errors go; null raises them
};

const char* SkipSpace(const char* at);

// 22P02: something else than what was expected stands at `at`.
void SyntaxError(const Input& input, const char* at, const char* expected);
// 22003: the number from `at` to `end`, element `index` from 0.
void OutOfRangeError(const Input& input, const char* at, const char* end, int index);

// Reads the number at *at and moves *at behind it. Zero for what is too small for a
// float. Returns false after an error: what is no number, or no finite float.
bool ReadFloat(const Input& input, const char** at, int index, float* value);

}  // namespace hnswpg

#endif  // TYPE_COMMON_INPUT_H_
