// Whether a process that works in the background stands in somebody's way.
#ifndef HNSWPG_SIGNAL_WAITERS_H_
#define HNSWPG_SIGNAL_WAITERS_H_

#include "hnswpg/postgres/server.h"

namespace hnswpg {

// Whether another process waits for a lock on a relation that conflicts with one
// that this process holds, or for the end of this process's transaction (as
// REINDEX CONCURRENTLY and DROP INDEX CONCURRENTLY do), or wants the database for
// itself (IsDatabaseWanted). Looks at all locks of the server, so it does so a few
// dozen times a second at most, and answers no in between.
bool IsInTheWay();

// Whether another process holds or awaits a lock on this database that nobody may
// connect beside: DROP DATABASE, CREATE DATABASE with this one as its template,
// ALTER DATABASE ... RENAME or SET TABLESPACE. They fail if sessions are connected
// after five seconds. In or outside a transaction.
bool IsDatabaseWanted();

}  // namespace hnswpg

#endif  // HNSWPG_SIGNAL_WAITERS_H_
