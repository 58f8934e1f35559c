// Reads runs of blocks all over the table, so that a table in some order gives a sample of
// all of it.
#include "am/callbacks/build_codes.h"

extern "C" {
#include "access/tableam.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
}

#include <algorithm>

#include "hnswpg/core/space/centre_finder.h"
#include "hnswpg/core/space/code_quality.h"

namespace hnswpg {
namespace {

constexpr BlockNumber kRuns = 64;
constexpr uint32_t kProbes = 200;

struct Sample {
  const CodeSpace* space;
  CentreFinder* vectors;
  float* wide;    // room for one of them
  uint32_t left;  // that this run of blocks may add
  MemoryContext row_context;
};

// The table scan's callback.
void SampleRow(Relation, ItemPointer, Datum* values, bool* nulls, bool alive, void* arg) {
  Sample* sample = static_cast<Sample*>(arg);
  CHECK_FOR_INTERRUPTS();
  if (nulls[0] || !alive || sample->left == 0) return;
  MemoryContext old = MemoryContextSwitchTo(sample->row_context);
  const void* vector = TakeRow(*sample->space, values[0]);
  if (vector != nullptr) {
    sample->space->ToFloats(vector, sample->wide);
    sample->vectors->Add(sample->wide);
    sample->left--;
  }
  MemoryContextSwitchTo(old);
  MemoryContextReset(sample->row_context);
}

// Each run of blocks may give its share. A partial index may find few rows in them.
void ReadSample(Relation heap, Relation rel, IndexInfo* info, uint32_t wanted, Sample* sample) {
  const BlockNumber blocks = RelationGetNumberOfBlocks(heap);
  const BlockNumber runs = std::min<BlockNumber>(kRuns, blocks);
  const uint32_t share = wanted / std::max<BlockNumber>(runs, 1);
  for (BlockNumber run = 0; run < runs; run++) {
    const BlockNumber begin = static_cast<BlockNumber>(uint64{blocks} * run / runs);
    const BlockNumber end = static_cast<BlockNumber>(uint64{blocks} * (run + 1) / runs);
    // What earlier runs did not give, later ones may.
    sample->left = (run + 1) * share - sample->vectors->n();
    // As many blocks as hold so many rows, if these are small.
    const BlockNumber most = std::max<BlockNumber>(1, sample->left / 2);
    const BlockNumber spare = end - begin > most ? end - begin - most : 0;
    const BlockNumber skip =
        static_cast<BlockNumber>(pg_prng_uint64_range(&pg_global_prng_state, 0, spare));
    table_index_build_range_scan(heap, rel, info, false, false, false, begin + skip,
                                 std::min(most, end - begin), SampleRow, sample, nullptr);
  }
}

// How many of the sample's vectors, as a part of the probes, their codes do not tell from
// their nearest in the sample.
double BlindShare(const CodeSpace& space, const CentreFinder& vectors) {
  const uint32_t n = vectors.n();
  const size_t stride = MAXALIGN(space.code_bytes());
  char* codes = static_cast<char*>(MemoryContextAllocHuge(CurrentMemoryContext, n * stride));
  const char** pointers = static_cast<const char**>(palloc(n * sizeof(char*)));
  for (uint32_t i = 0; i < n; i++) {
    space.Encode(vectors.vector(i), codes + i * stride);
    pointers[i] = codes + i * stride;
  }
  uint32_t blind = 0;
  const uint32_t probes = std::min(kProbes, n);
  for (uint32_t k = 0; k < probes; k++) {
    CHECK_FOR_INTERRUPTS();
    const uint32_t probe = static_cast<uint32_t>(uint64{n} * k / probes);
    // It is not its own neighbour.
    const char* code = pointers[probe];
    std::swap(pointers[probe], pointers[n - 1]);
    const CodeQuality quality = JudgeCode(space, code, pointers, n - 1);
    std::swap(pointers[probe], pointers[n - 1]);
    blind += quality.Known() && !quality.Good() ? 1 : 0;
  }
  return static_cast<double>(blind) / std::max(probes, 1u);
}

}  // namespace

void ChooseCodes(Relation heap, Relation rel, IndexInfo* info, IndexParameters* parameters,
                 float* centre) {
  if (parameters->quantization == Quantization::kNone) return;
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "hnswpg sample", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(context);
  const CodeSpace from_origin(parameters->kind(), parameters->dim);
  const uint32_t wanted = SampleSize(parameters->dim);
  CentreFinder vectors(parameters->metric, parameters->dim, wanted, ContextArena(context),
                       [] { CHECK_FOR_INTERRUPTS(); });
  Sample sample = {
      &from_origin, &vectors, static_cast<float*>(palloc(parameters->dim * sizeof(float))), 0,
      AllocSetContextCreate(context, "hnswpg sample, one row", ALLOCSET_DEFAULT_SIZES)};
  ReadSample(heap, rel, info, wanted, &sample);
  if (vectors.n() > 0) {
    vectors.Find(centre);
    parameters->book = kOriginBook + 1;
    // The sample is floats, whatever the column has; the codes of both are the same.
    const CodeSpace space(parameters->metric, parameters->quantization, parameters->dim, centre);
    if (parameters->automatic && BlindShare(space, vectors) > kTooManyBlind) {
      parameters->quantization = Quantization::kNone;
      parameters->book = kNoBook;
    }
  }
  MemoryContextSwitchTo(old);
  MemoryContextDelete(context);
}

}  // namespace hnswpg
