// The yardstick: hnswlib as its own examples use it, over float vectors with its own L2 and inner
// product spaces (vectors and queries of length 1 for cosine), in this process.
#ifndef HNSWPG_BENCH_FLOAT_HNSW_H_
#define HNSWPG_BENCH_FLOAT_HNSW_H_

#include <hnswlib/hnswlib.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "../test/oracle/vector_file.h"

namespace hnswpg::tools {

class FloatHnsw {
 public:
  // `rows` as Prepare returns them; labels are positions.
  FloatHnsw(const Vectors& rows, Distance distance, int m, int ef_construction, int threads) {
    if (distance == Distance::kCosine) {
      space_ = std::make_unique<hnswlib::InnerProductSpace>(rows.dim);
    } else {
      space_ = std::make_unique<hnswlib::L2Space>(rows.dim);
    }
    index_ = std::make_unique<hnswlib::HierarchicalNSW<float>>(space_.get(), rows.n(), m,
                                                               ef_construction);
    std::atomic<size_t> next = 0;
    const auto add = [&] {
      for (size_t i; (i = next++) < rows.n();) index_->addPoint(rows.row(i), i);
    };
    std::vector<std::thread> others;
    for (int i = 1; i < threads; i++) others.emplace_back(add);
    add();
    for (std::thread& other : others) other.join();
  }

  // Vectors as this index wants them: for building and for queries.
  static Vectors Prepare(const Vectors& rows, Distance distance) {
    return distance == Distance::kCosine ? Normalized(rows) : rows;
  }

  // The `k` nearest of each query, in any order.
  std::vector<std::vector<int32_t>> Search(const Vectors& queries, size_t ef, size_t k) const {
    index_->setEf(ef);
    std::vector<std::vector<int32_t>> found(queries.n());
    for (size_t q = 0; q < queries.n(); q++) {
      auto nearest = index_->searchKnn(queries.row(q), k);
      for (; !nearest.empty(); nearest.pop()) {
        found[q].push_back(static_cast<int32_t>(nearest.top().second));
      }
    }
    return found;
  }

 private:
  std::unique_ptr<hnswlib::SpaceInterface<float>> space_;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> index_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_FLOAT_HNSW_H_
