// How C++ defines a function that SQL can call.
//
// Include it first: it brings in postgres.h and fmgr.h with C linkage.
//
//   HNSWPG_FUNCTION(vector_dims)(PG_FUNCTION_ARGS) { ... }
//
// declares and registers vector_dims and begins its definition. The visibility
// is spelled out because everything else in the module is hidden and because
// servers before 16 leave PGDLLEXPORT empty on Unix.
//
// Never call such a function from within the module: the server loads modules
// with RTLD_GLOBAL, so a call by an exported name may end in another module
// that exports the same name. Share a static or hidden function instead.
#ifndef HNSWPG_POSTGRES_FUNCTION_H_
#define HNSWPG_POSTGRES_FUNCTION_H_

extern "C" {
#include "postgres.h"
#include "fmgr.h"
#if __has_include("varatt.h")
#include "varatt.h"  // split off from postgres.h in newer servers
#endif
}

#define HNSWPG_EXPORT __attribute__((visibility("default")))

#define HNSWPG_FUNCTION(name)                                 \
  extern "C" {                                                \
  HNSWPG_EXPORT Datum name(PG_FUNCTION_ARGS);                 \
  HNSWPG_EXPORT const Pg_finfo_record* pg_finfo_##name(void); \
  PG_FUNCTION_INFO_V1(name);                                  \
  }                                                           \
  Datum name

#endif  // HNSWPG_POSTGRES_FUNCTION_H_
