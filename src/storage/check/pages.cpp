// Pages, and how an examination reads them without being stopped by a damaged
// one.
//
// The server raises an error for a page whose header or checksum is wrong. Here
// it must become a row of the result, so the first reading of a page happens in
// a subtransaction, which gives back what the failed reading held. Later readings
// leave out the pages that failed.
#include <new>

#include "storage/check/state.h"

extern "C" {
#include "access/xact.h"
#include "utils/resowner.h"
}

namespace hnswpg {
namespace {

// Blocks read in one subtransaction.
constexpr BlockNumber kBatch = 64;

bool IsDamage(int code) {
  return code == ERRCODE_DATA_CORRUPTED || code == ERRCODE_INDEX_CORRUPTED ||
         code == ERRCODE_IO_ERROR;
}

// Runs read(arg). Returns the message of the error if it raised one that says
// that what it read is damaged; other errors pass.
const char* CatchDamage(void (*read)(void*), void* arg) {
  const MemoryContext context = CurrentMemoryContext;
  const ResourceOwner owner = CurrentResourceOwner;
  const char* volatile message = nullptr;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(context);
  PG_TRY();
  {
    read(arg);
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(context);
    ErrorData* error = CopyErrorData();
    if (!IsDamage(error->sqlerrcode)) PG_RE_THROW();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    message = error->message;
  }
  PG_END_TRY();
  MemoryContextSwitchTo(context);
  CurrentResourceOwner = owner;
  return message;
}

Buffer ReadShared(Examination* e, BlockNumber block) {
  Buffer buffer = ReadBufferExtended(e->index.rel, MAIN_FORKNUM, block, RBM_NORMAL, e->strategy);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  return buffer;
}

PageKind KindAt(const Examination* e, BlockNumber block) {
  return block == kMetaBlock ? PageKind::kMeta : e->layout().KindOf(block);
}

const char* NameOf(PageKind kind) {
  switch (kind) {
    case PageKind::kMeta:
      return "metapage";
    case PageKind::kUpper:
      return "upper page";
    case PageKind::kGraph:
      return "graph page";
    case PageKind::kBook:
      return "page of the code book";
    case PageKind::kVector:
      break;
  }
  return "vector page";
}

struct Batch {
  Examination* examination;
  BlockNumber begin;
  BlockNumber end;
};

void ReadBatch(void* arg) {
  const Batch* batch = static_cast<const Batch*>(arg);
  Examination* e = batch->examination;
  for (BlockNumber block = batch->begin; block < batch->end; block++) {
    Buffer buffer = ReadShared(e, block);
    Page page = BufferGetPage(buffer);
    PageStatus* status = &e->pages[block];
    if (PageIsNew(page)) {
      *status = PageStatus::kEmpty;
    } else {
      *status = PageIsOfKind(page, KindAt(e, block)) ? PageStatus::kSound : PageStatus::kDamaged;
    }
    UnlockReleaseBuffer(buffer);
  }
}

void ReportWrongKind(const Examination* e, BlockNumber block) {
  if (e->pages[block] != PageStatus::kDamaged) return;
  Report(e, block, kNoId, "not the %s that belongs here", NameOf(KindAt(e, block)));
}

// The batch has a page that cannot be read.
void ReadOneByOne(Examination* e, BlockNumber begin, BlockNumber end) {
  for (BlockNumber block = begin; block < end; block++) {
    Batch one = {e, block, block + 1};
    const char* message = CatchDamage(ReadBatch, &one);
    if (message == nullptr) {
      ReportWrongKind(e, block);
    } else {
      e->pages[block] = PageStatus::kDamaged;
      Report(e, block, kNoId, "%s", message);
    }
  }
}

struct Opening {
  Relation rel;
  HnswIndex* index;
};

void ReadMetaPage(void* arg) {
  const Opening* opening = static_cast<const Opening*>(arg);
  *opening->index = OpenWithoutCentre(opening->rel);
}

void ReadCodeBook(void* arg) {
  const Opening* opening = static_cast<const Opening*>(arg);
  *opening->index = OpenIndex(opening->rel);
}

}  // namespace

Examination* OpenExamination(Relation rel, CheckSink sink) {
  HnswIndex* index = static_cast<HnswIndex*>(palloc0(sizeof(HnswIndex)));
  Opening opening = {rel, index};
  const char* message = RelationGetNumberOfBlocks(rel) == 0 ? "the file is empty"
                                                            : CatchDamage(ReadMetaPage, &opening);
  if (message != nullptr) {
    sink.add(sink.arg, kMetaBlock, kNoId, message);
    return nullptr;
  }
  message = CatchDamage(ReadCodeBook, &opening);
  if (message != nullptr) sink.add(sink.arg, kMetaBlock, kNoId, message);
  Examination* examination = new (palloc(sizeof(Examination)))
      Examination(*index, sink, ContextArena(CurrentMemoryContext));
  examination->centre_known = message == nullptr;
  return examination;
}

void ExaminePages(Examination* e) {
  for (BlockNumber begin = 0; begin < e->blocks; begin += kBatch) {
    CHECK_FOR_INTERRUPTS();
    Batch batch = {e, begin, std::min(begin + kBatch, e->blocks)};
    if (CatchDamage(ReadBatch, &batch) == nullptr) {
      for (BlockNumber block = begin; block < batch.end; block++) ReportWrongKind(e, block);
    } else {
      ReadOneByOne(e, begin, batch.end);
    }
  }
}

PageCopy::PageCopy(Examination* examination)
    : examination_(examination), page_(static_cast<char*>(palloc(BLCKSZ))) {}

// A page that was empty or beyond the end at first may have been filled by an
// insertion since.
const char* PageCopy::Read(BlockNumber block) {
  if (block == block_) return contents_;
  CHECK_FOR_INTERRUPTS();
  Examination* e = examination_;
  block_ = block;
  contents_ = nullptr;
  if (block < e->blocks && e->pages[block] == PageStatus::kDamaged) return nullptr;
  if (block >= e->blocks && block >= RelationGetNumberOfBlocks(e->index.rel)) return nullptr;
  Buffer buffer = ReadShared(e, block);
  memcpy(page_, BufferGetPage(buffer), BLCKSZ);
  UnlockReleaseBuffer(buffer);
  if (PageIsOfKind(page_, KindAt(e, block))) contents_ = page_;
  return contents_;
}

bool ChangedSince(Examination* e, XLogRecPtr lsn) {
  for (BlockNumber block = 0; block < e->blocks; block++) {
    CHECK_FOR_INTERRUPTS();
    if (e->pages[block] == PageStatus::kDamaged) continue;
    Buffer buffer = ReadShared(e, block);
    const bool changed = PageGetLSN(BufferGetPage(buffer)) > lsn;
    UnlockReleaseBuffer(buffer);
    if (changed) return true;
  }
  return false;
}

}  // namespace hnswpg
