// aminsert: writes the element, then links it before the command goes on.
#include "hnswpg/am/am.h"
#include "hnswpg/storage/element_writer.h"
#include "hnswpg/storage/linker.h"

namespace hnswpg {

bool hnswinsert(Relation rel, Datum* values, bool* nulls, ItemPointer tid, Relation,
                IndexUniqueCheck, bool, IndexInfo*) {
  if (nulls[0]) return false;
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg insertion", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  const Index index = OpenIndex(rel);
  const float* vector = IndexableVector(index.parameters, values[0]);
  if (vector) {
    const ElementId id = WriteElement(index, WriteMode::kLogged, vector, tid);
    LinkPending(index, WriteMode::kLogged, id);
  }
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
  return false;
}

}  // namespace hnswpg
