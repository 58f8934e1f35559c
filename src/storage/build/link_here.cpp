// The backend whose graph is linked by threads of this process. No locks.
#include <new>

#include "hnswpg/storage/build/backend.h"
#include "hnswpg/storage/build/build_status.h"

namespace hnswpg {
namespace {

class ThreadsHere final : public BuildBackend {
 public:
  ThreadsHere(const HnswIndex* index, size_t expected, BytesBeside beside)
      : index_(index), builder_(CreateBuilder(*index, expected, beside.linking, beside.linked)) {}

  bool Add(const void* code) override {
    const BuildStatus status = builder_->Add(code);
    if (status == BuildStatus::kFull) return false;
    CheckBuild(builder_, status);
    return true;
  }
  uint32_t size() const override { return builder_->size(); }
  size_t memory_used() const override { return builder_->memory_used(); }
  size_t MemoryNeeded(size_t elements) const override { return builder_->MemoryNeeded(elements); }

  const BuiltGraph& Link() override {
    DrainBuilder(builder_);
    return *builder_;
  }
  void Complete(bool pack) override {
    SealBuilder(builder_);
    if (pack) PackBuilder(builder_, index_->layout);
  }
  void Stop() override {
    GraphBuilder::Destroy(builder_);
    builder_ = nullptr;
  }

 private:
  const HnswIndex* index_;
  GraphBuilder* builder_;  // null once it was stopped
};

}  // namespace

BuildBackend* LinkHere(const HnswIndex* index, size_t expected, BytesBeside beside) {
  return new (palloc(sizeof(ThreadsHere))) ThreadsHere(index, expected, beside);
}

}  // namespace hnswpg
