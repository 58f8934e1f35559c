// The server's headers that storage and am need, once, as C.
#ifndef HNSWPG_POSTGRES_SERVER_H_
#define HNSWPG_POSTGRES_SERVER_H_

extern "C" {
#include "postgres.h"

#include "access/amapi.h"
#include "access/generic_xlog.h"
#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "commands/progress.h"
#include "commands/vacuum.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

// The server maps these names of libc to its own printf for C; in C++ they would
// break the standard library's headers.
#undef printf
#undef sprintf
#undef snprintf
#undef fprintf
#undef vprintf
#undef vsprintf
#undef vsnprintf
#undef vfprintf
#undef strerror
#undef strerror_r
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext
#undef StrNCpy

#include "hnswpg/postgres/compat.h"

#endif  // HNSWPG_POSTGRES_SERVER_H_
