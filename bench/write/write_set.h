// The vectors of one run of write_bench: what tables hold at first, what is inserted, and queries.
#ifndef HNSWPG_BENCH_WRITE_WRITE_SET_H_
#define HNSWPG_BENCH_WRITE_WRITE_SET_H_

#include <algorithm>
#include <cstddef>

#include "../../test/oracle/vector_file.h"

namespace hnswpg::tools {

struct WriteSet {
  Distance distance = Distance::kL2;
  Vectors base;
  Vectors spare;  // of the same kind, to be inserted
  Vectors queries;
};

inline Vectors FirstRows(const Vectors& rows, size_t n) {
  Vectors first = rows;
  first.Truncate(n);
  return first;
}

// An endless supply of vectors that no table holds yet: those of `spare`, then mixtures of two of
// them, a little of the second in the first. `lap` > 0 begins with mixtures: sources of different
// laps give different vectors for some time.
class NewVectors {
 public:
  explicit NewVectors(const Vectors* spare, size_t lap = 0) : spare_(spare), lap_(lap) {}

  Vectors Next(size_t n) {
    Vectors rows{spare_->dim, std::vector<float>(n * spare_->dim)};
    for (size_t i = 0; i < n; i++) WriteNext(rows.row(i));
    return rows;
  }

 private:
  void WriteNext(float* out) {
    const float* first = spare_->row(position_);
    const float* second = spare_->row((position_ + lap_) % spare_->n());
    for (size_t d = 0; d < spare_->dim; d++) out[d] = first[d] + 0.1f * (second[d] - first[d]);
    if (++position_ < spare_->n()) return;
    position_ = 0;
    lap_++;
  }

  const Vectors* spare_;
  size_t lap_;
  size_t position_ = 0;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_WRITE_WRITE_SET_H_
