#include "storage/link/renew_codes.h"

#include "hnswpg/core/format/element.h"
#include "hnswpg/core/space/learning.h"
#include "hnswpg/storage/link/link_pending.h"
#include "storage/link/learn_book.h"
#include "storage/link/recode.h"

namespace hnswpg {
namespace {

bool Renew(const HnswIndex& index, bool gives_way) {
  const bool begun = index.meta.recoding != Recoding::kDone;
  if (!begun && !LearnBook(index, gives_way)) return false;
  // By the book that was learnt, if one was.
  const HnswIndex renewed = OpenIndex(index.rel);
  return renewed.meta.recoding == Recoding::kDone || Recode(renewed, gives_way);
}

}  // namespace

// An element whose code lies on several pages keeps the code that it was written with: to
// change it would take several records, with a code between them that is neither.
bool CodesAreDue(const HnswIndex& index, const Meta& meta) {
  if (meta.book == kNoBook || index.layout.payload_pieces() > 1) return false;
  if (meta.recoding != Recoding::kDone) return true;
  return meta.book < kMaxBook &&
         LearningIsDue({meta.n_linked, meta.n_exact, meta.n_when_learnt, meta.n_exact_when_learnt});
}

bool RenewCodes(Relation rel, bool gives_way) {
  const HnswIndex index = OpenIndex(rel);
  if (!CodesAreDue(index, index.meta)) return true;
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg codes", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  const bool complete = Renew(index, gives_way);
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
  return complete;
}

}  // namespace hnswpg
