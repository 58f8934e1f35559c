// A second reader of the index's format: takes the bytes of the main fork and gives the graph, from
// core's layout and from what src/storage/FORMAT.md says of metapage, pages and slots. It shares no
// code with src/storage. Whatever contradicts the format ends the program with a message.
#ifndef HNSWPG_TEST_ORACLE_INDEX_FILE_H_
#define HNSWPG_TEST_ORACLE_INDEX_FILE_H_

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "hnswpg/core/format/element.h"
#include "hnswpg/core/format/layout.h"
#include "hnswpg/core/space/code.h"
#include "vector_file.h"

namespace hnswpg::tools {

// The metapage, behind the page header.
struct MetaPage {
  uint32_t magic;
  uint32_t version;
  uint32_t dim;
  uint16_t m;
  uint16_t ef_construction;
  uint8_t metric;
  uint8_t quantization;
  uint8_t automatic;
  uint8_t unused;
  ElementId entry;
  uint32_t entry_level;
  uint32_t next_element;
  uint32_t next_upper;
  ElementId free_elements;
  UpperId free_uppers;
  uint16_t first_run;
  uint16_t n_runs;
  uint32_t n_pending;
  uint32_t n_linked;
  uint32_t n_dead;
  uint32_t n_tid_slots;
  uint32_t n_free;
  uint32_t n_free_uppers;
  uint64_t n_tids;
  int64_t last_sync;
  uint32_t n_reroutings;
  uint32_t features;
  uint32_t payload_bytes;
  uint32_t exact_bytes;
  uint32_t book_bytes;
  uint16_t tid_bytes;
  uint16_t node_bytes;
  uint16_t book;
  uint16_t unused2;
  uint32_t n_exact;
  uint32_t n_when_learnt;
  uint32_t n_exact_when_learnt;
  uint32_t recoding;
  uint32_t recoding_at;
  uint32_t unused3[6];
};
static_assert(sizeof(MetaPage) == 160);

// A row of the table.
struct RowId {
  uint32_t block;
  uint16_t offset;
  auto operator<=>(const RowId&) const = default;
};

class IndexFile {
 public:
  // Reads the relation's file and, beyond 1 GB, the segments behind it.
  explicit IndexFile(const std::string& path) {
    ReadSegments(path);
    if (bytes_.size() < kPageBytes || bytes_.size() % kPageBytes != 0) {
      Fail(path + ": not a whole number of pages");
    }
    CheckPage(0, PageKind::kMeta);
    memcpy(&meta_, bytes_.data() + kPageHeaderBytes, sizeof meta_);
    Require(meta_.magic == 0x57534E48 && meta_.version == 3 && meta_.features == 0,
            "not the metapage of format 3");
    layout_ = ElementLayout({meta_.payload_bytes, meta_.exact_bytes, meta_.book_bytes}, meta_.m);
    if (meta_.book > 1) ReadCentre();
  }

  const MetaPage& meta() const { return meta_; }
  const ElementLayout& layout() const { return layout_; }
  CodeSpace space() const {
    return {static_cast<Metric>(meta_.metric), static_cast<Quantization>(meta_.quantization),
            meta_.dim, centre_.empty() ? nullptr : centre_.data()};
  }

  // A slot may lie on a page that was never written: such a page is all zero, and so free.
  SlotState State(ElementId id) const { return HeadAt(Slot(id))->state; }
  bool InGraph(ElementId id) const {
    return State(id) == SlotState::kLinked || State(id) == SlotState::kDead;
  }
  int Level(ElementId id) const { return HeadAt(Slot(id))->level; }

  // Whether searches measure the element by its vector instead of its code.
  bool IsExact(ElementId id) const { return HeadAt(Slot(id))->book != meta_.book; }
  // meta().dim floats.
  void CopyVector(ElementId id, float* out) const {
    char* at = reinterpret_cast<char*>(out);
    for (uint32_t done = 0; done < layout_.vector_bytes();) {
      const Piece piece = layout_.VectorPiece(id, done);
      memcpy(at + done, PageOf(piece.block, PageKind::kVector) + piece.offset, piece.bytes);
      done += piece.bytes;
    }
  }

  // Header and payload, contiguous: space().code_bytes() bytes.
  void CopyCode(ElementId id, char* out) const {
    memcpy(out, &HeadAt(Slot(id))->code, sizeof(CodeHeader));
    out += sizeof(CodeHeader);
    for (uint32_t i = 0; i < layout_.payload_pieces(); i++) {
      const Piece piece = layout_.PayloadPiece(id, i);
      memcpy(out, PageOf(piece.block, PageKind::kGraph) + piece.offset, piece.bytes);
      out += piece.bytes;
    }
  }

  std::span<const ElementId> Links(ElementId id, int level) const {
    if (level == 0) {
      const uint16_t n = TailAt(Slot(id), layout_)->n_links;
      return Checked({LinksAt(Slot(id), layout_), n}, 0);
    }
    UpperId at = TailAt(Slot(id), layout_)->upper;
    for (int i = 1;; i++) {
      Require(at < meta_.next_upper, "an upper list does not exist");
      const UpperHead* head =
          UpperAt(PageOf(layout_.UpperBlock(at), PageKind::kUpper), layout_.UpperOffset(at));
      Require(head->owner == id && head->level == i, "an upper list belongs to another element");
      if (i == level) return Checked({UpperLinks(head), head->n_links}, level);
      at = head->next;
    }
  }

  // Rows of a linked element that are not hinted to be dead.
  std::vector<RowId> RowsOf(ElementId id) const {
    std::vector<RowId> rows;
    if (State(id) != SlotState::kLinked) return rows;
    const ElementTail* tail = TailAt(Slot(id), layout_);
    Require(tail->n_tids <= kInlineTids, "more heap TIDs in a slot than fit");
    Append({tail->tids, tail->n_tids}, &rows);
    for (ElementId at = tail->more_tids; at != kNoId;) {
      Require(at < meta_.next_element && State(at) == SlotState::kTids, "not a TID container");
      const ElementTail* container = TailAt(Slot(at), layout_);
      Require(container->parent == id && container->n_links <= layout_.tids_capacity(),
              "a damaged TID container");
      Append({ContainerTidsAt(Slot(at), layout_), container->n_links}, &rows);
      at = container->next;
    }
    return rows;
  }

 private:
  void ReadSegments(const std::string& path) {
    for (int segment = 0;; segment++) {
      std::ifstream file(segment == 0 ? path : path + "." + std::to_string(segment),
                         std::ios::binary);
      if (!file) break;
      bytes_.append(std::istreambuf_iterator<char>(file), {});
    }
    if (bytes_.empty()) Fail("cannot read " + path);
  }

  void ReadCentre() {
    centre_.resize(meta_.book_bytes / sizeof(float));
    char* at = reinterpret_cast<char*>(centre_.data());
    for (uint32_t done = 0; done < meta_.book_bytes;) {
      const Piece piece = layout_.BookPiece(meta_.book % 2, done);
      const char* page = PageOf(piece.block, PageKind::kBook);
      uint16_t number;
      memcpy(&number, page + kPageHeaderBytes, sizeof number);
      Require(number == meta_.book, "a page of another code book");
      memcpy(at + done, page + piece.offset, piece.bytes);
      done += piece.bytes;
    }
  }

  static void Require(bool holds, const char* otherwise) {
    if (!holds) Fail(std::string("index file: ") + otherwise);
  }

  // The last four bytes of a page are its kind and 0xFF91.
  void CheckPage(uint32_t block, PageKind kind) const {
    uint16_t trailer[2];
    memcpy(trailer, bytes_.data() + (block + size_t{1}) * kPageBytes - sizeof trailer,
           sizeof trailer);
    if (trailer[1] == 0xFF91 && trailer[0] == static_cast<uint16_t>(kind)) return;
    const char* page = bytes_.data() + size_t{block} * kPageBytes;
    Require(std::all_of(page, page + kPageBytes, [](char c) { return c == 0; }),
            "a page of another kind");
  }

  const char* PageOf(uint32_t block, PageKind kind) const {
    Require(block < bytes_.size() / kPageBytes, "a block beyond the end of the file");
    Require(layout_.KindOf(block) == kind, "a block of another kind");
    CheckPage(block, kind);
    return bytes_.data() + size_t{block} * kPageBytes;
  }

  const char* Slot(ElementId id) const {
    return PageOf(layout_.SlotBlock(id), PageKind::kGraph) + layout_.SlotOffset(id);
  }

  std::span<const ElementId> Checked(std::span<const ElementId> links, int level) const {
    Require(static_cast<int>(links.size()) <= layout_.max_links(level), "too many neighbours");
    for (ElementId id : links) Require(id < meta_.next_element, "a neighbour does not exist");
    return links;
  }

  static void Append(std::span<const TidEntry> entries, std::vector<RowId>* rows) {
    for (const TidEntry& entry : entries) {
      if (entry.flags & kTidKilled) continue;
      rows->push_back({static_cast<uint32_t>(entry.block_hi) << 16 | entry.block_lo, entry.offset});
    }
  }

  std::string bytes_;
  MetaPage meta_;
  ElementLayout layout_;
  std::vector<float> centre_;  // none: the origin
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_TEST_ORACLE_INDEX_FILE_H_
