// pgvector has a type and an access method of the same names as this module, and some of
// the same settings. Both may be in one server, in different databases.
#ifndef HNSWPG_AM_CALLBACKS_PGVECTOR_H_
#define HNSWPG_AM_CALLBACKS_PGVECTOR_H_

namespace hnswpg {

// Raises the error that says that the two cannot be in one database, if this one has
// pgvector. In a transaction.
void CheckNoPgvector();

// Raises the error that says that the two cannot be in one process. `setting`: what
// another library has defined in this one.
[[noreturn]] void RaiseBesidePgvector(const char* setting);

}  // namespace hnswpg

#endif  // HNSWPG_AM_CALLBACKS_PGVECTOR_H_
