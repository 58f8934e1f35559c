// A better code book for data that have drifted: it is learnt, and then all codes are made
// anew by it. README.md, "Codes that are made anew", has the protocol. Private to link.
#ifndef HNSWPG_STORAGE_LINK_RENEW_CODES_H_
#define HNSWPG_STORAGE_LINK_RENEW_CODES_H_

#include "hnswpg/storage/page/index.h"

namespace hnswpg {

// Does what CodesAreDue says is due. The caller holds the maintenance lock and
// RowExclusiveLock on the index, and no other lock of it; link lock and graph lock are taken
// and released. Interruptible; what is done stays done, and the next call does the rest.
// False: `gives_way`, and this process stands in somebody's way.
bool RenewCodes(Relation rel, bool gives_way);

}  // namespace hnswpg

#endif  // HNSWPG_STORAGE_LINK_RENEW_CODES_H_
