// The time for whatever lasts or waits: microseconds of a clock that nobody sets, the
// same for all processes of a server. (The wall clock may be set back by an hour, and
// who measured by it would hold a lock for an hour.)
#ifndef HNSWPG_POSTGRES_CLOCK_H_
#define HNSWPG_POSTGRES_CLOCK_H_

#include "hnswpg/postgres/server.h"

extern "C" {
#include "portability/instr_time.h"
}

namespace hnswpg {

// A point in time, or the distance of two.
using Microseconds = int64;
inline constexpr Microseconds kMillisecond = 1000;
inline constexpr Microseconds kSecond = 1000 * kMillisecond;
inline constexpr Microseconds kMinute = 60 * kSecond;
// Before every other point in time.
inline constexpr Microseconds kNever = PG_INT64_MIN / 2;

inline Microseconds Now() {
  instr_time now;
  INSTR_TIME_SET_CURRENT(now);
  return static_cast<Microseconds>(INSTR_TIME_GET_MICROSEC(now));
}

// How long to wait at `now` for `until`: rounded up, not less than 0.
inline long MillisecondsUntil(Microseconds now, Microseconds until) {
  return until <= now ? 0 : static_cast<long>((until - now + kMillisecond - 1) / kMillisecond);
}

// `first`, doubled from one attempt to the next, `longest` at most. The first attempt
// that failed is number 1.
inline Microseconds Backoff(Microseconds first, Microseconds longest, int attempts) {
  Microseconds delay = first;
  for (int i = 1; i < attempts && delay < longest; i++) delay *= 2;
  return delay < longest ? delay : longest;
}

}  // namespace hnswpg

#endif  // HNSWPG_POSTGRES_CLOCK_H_
