// Vectors and their codes.
#include "storage/check/state.h"

namespace hnswpg {
namespace {

// What came of copying a run of bytes that lies on several pages.
struct Gathered {
  BlockNumber block;  // the page that stopped it, else the last one
  bool complete;
  bool kept;  // by full-page images
};

void Take(PageCopy* pages, const Piece& piece, char* out, Gathered* gathered) {
  if (!gathered->complete) return;
  gathered->block = piece.block;
  const char* page = pages->Read(piece.block);
  gathered->complete = page != nullptr;
  if (page == nullptr) return;
  gathered->kept &= KeepsContent(page, piece.offset + piece.bytes);
  memcpy(out, page + piece.offset, piece.bytes);
}

class CodeExaminer {
 public:
  explicit CodeExaminer(Examination* e)
      : e_(e),
        graph_page_(e),
        vector_page_(e),
        stored_(static_cast<char*>(palloc(e->index.space.code_bytes()))),
        computed_(static_cast<char*>(palloc(e->index.space.code_bytes()))),
        vector_(palloc(e->index.space.vector_bytes())) {}

  void Examine(ElementId id);
  Gathered GatherVector(ElementId id, void* out);

 private:
  Gathered GatherCode(ElementId id);
  bool Complete(ElementId id, const Gathered& gathered, const char* what);

  Examination* e_;
  PageCopy graph_page_;
  PageCopy vector_page_;
  char* stored_;
  char* computed_;
  void* vector_;
  uint16_t book_ = 0;
};

Gathered CodeExaminer::GatherCode(ElementId id) {
  const ElementLayout& layout = e_->layout();
  Gathered gathered = {kMetaBlock, true, true};
  const Piece header = {layout.SlotBlock(id),
                        layout.SlotOffset(id) + static_cast<uint32_t>(offsetof(ElementHead, code)),
                        sizeof(CodeHeader)};
  const Piece book = {header.block,
                      layout.SlotOffset(id) + static_cast<uint32_t>(offsetof(ElementHead, book)),
                      sizeof(book_)};
  Take(&graph_page_, book, reinterpret_cast<char*>(&book_), &gathered);
  Take(&graph_page_, header, stored_, &gathered);
  char* out = stored_ + sizeof(CodeHeader);
  for (uint32_t i = 0; i < layout.payload_pieces(); i++) {
    const Piece piece = layout.PayloadPiece(id, i);
    Take(&graph_page_, piece, out, &gathered);
    out += piece.bytes;
  }
  return gathered;
}

Gathered CodeExaminer::GatherVector(ElementId id, void* vector) {
  const ElementLayout& layout = e_->layout();
  char* out = static_cast<char*>(vector);
  if (!layout.has_vector_pages()) {
    const Gathered gathered = GatherCode(id);
    memcpy(out, stored_ + sizeof(CodeHeader), e_->index.space.payload_bytes());
    return gathered;
  }
  Gathered gathered = {kMetaBlock, true, true};
  for (uint32_t done = 0; done < layout.vector_bytes();) {
    const Piece piece = layout.VectorPiece(id, done);
    Take(&vector_page_, piece, out + done, &gathered);
    done += piece.bytes;
  }
  return gathered;
}

// A damaged page has been reported; an empty one is reported here.
bool CodeExaminer::Complete(ElementId id, const Gathered& gathered, const char* what) {
  const BlockNumber block = gathered.block;
  const bool damaged = block < e_->blocks && e_->pages[block] == PageStatus::kDamaged;
  if (!gathered.complete && !damaged) Report(e_, block, id, "its %s lies on an empty page", what);
  if (gathered.complete && !gathered.kept) {
    Report(e_, block, id, "its %s lies outside of what the page header says is in use", what);
  }
  return gathered.complete;
}

void CodeExaminer::Examine(ElementId id) {
  if (e_->state(id) == kUnread || !IsElement(e_->state(id))) return;
  if (!Complete(id, GatherCode(id), "code")) return;
  const Gathered gathered = GatherVector(id, vector_);
  if (!Complete(id, gathered, "vector")) return;
  const CodeSpace& space = e_->index.space;
  const uint32_t bad = space.FirstNotFinite(vector_);
  if (bad < space.dim()) {
    Report(e_, gathered.block, id, "its vector is not finite at dimension %u", bad + 1);
    return;
  }
  if (!space.HasDistances(vector_)) {
    Report(e_, gathered.block, id, "its vector is zero, which has no cosine distance");
    return;
  }
  const uint16_t current = e_->index.parameters.book;
  if ((book_ & kMaxBook) > current || (book_ != kNoBook && current == kNoBook)) {
    Report(e_, e_->SlotBlock(id), id, "its code is by book %u, which there is not",
           book_ & kMaxBook);
  }
  // A code by an older book is not used.
  if ((book_ & kMaxBook) != current || !e_->centre_known) return;
  space.Encode(vector_, computed_);
  if (memcmp(stored_, computed_, space.code_bytes()) != 0) {
    Report(e_, e_->SlotBlock(id), id, "its code is not the code of its vector");
  }
}

}  // namespace

void ExamineCodes(Examination* e) {
  CodeExaminer examiner(e);
  for (ElementId id = 0; id < e->end; id++) examiner.Examine(id);
}

bool CopyExaminedVector(Examination* e, ElementId id, void* out) {
  CodeExaminer examiner(e);
  return examiner.GatherVector(id, out).complete;
}

}  // namespace hnswpg
