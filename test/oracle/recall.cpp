// The recall of a search, against the exact answers.
//
//   recall BASE.fvecs QUERIES.fvecs l2|cos K FOUND [IDS]
//
// FOUND has a line "<query> <id>" for each row found. An id is the position of its vector in BASE,
// modulo the number of vectors there: rows may hold the same vectors again under other ids. IDS,
// one id on each line, are the rows there are; without it, all of BASE. It does not matter which of
// several equal vectors are found: a row is right if it is no farther than the exact K-th. Prints
//   queries=N recall=R least=M    (M: of the query with the fewest rows, their number)
#include <set>

#include "vector_file.h"

namespace {

using namespace hnswpg::tools;

float Exact(const Vectors& base, const Vectors& queries, Distance distance, size_t id, size_t q) {
  const float* a = base.row(id % base.n());
  const float* b = queries.row(q);
  const float dot = DotProduct(a, b, base.dim);
  const float norm = DotProduct(a, a, base.dim);
  return distance == Distance::kL2 ? norm - 2 * dot : -dot / std::sqrt(norm);
}

// The rows found, by query.
std::vector<std::set<size_t>> ReadFound(const std::string& path, size_t queries) {
  std::vector<std::set<size_t>> found(queries);
  std::ifstream file(path);
  if (!file) Fail("cannot open " + path);
  for (size_t q, id; file >> q >> id;) {
    if (q >= queries) Fail(path + ": a query that does not exist");
    if (!found[q].insert(id).second) Fail(path + ": a row twice for one query");
  }
  if (!file.eof()) Fail(path + ": not '<query> <id>'");
  return found;
}

// How many rows there are of each vector of the base.
std::vector<size_t> CountRows(const char* path, size_t n) {
  if (path == nullptr) return std::vector<size_t>(n, 1);
  std::vector<size_t> rows(n);
  std::ifstream file(path);
  if (!file) Fail(std::string("cannot open ") + path);
  for (size_t id; file >> id;) rows[id % n]++;
  return rows;
}

// The exact K-th distance, by query.
std::vector<float> KthDistances(const Vectors& base, const Vectors& queries, Distance distance,
                                size_t k, const std::vector<size_t>& rows) {
  std::vector<float> kth(queries.n());
  const auto half = [&](size_t begin) {
    std::vector<float> all;
    for (size_t q = begin; q < queries.n(); q += 2) {
      all.clear();
      for (size_t i = 0; i < base.n(); i++) {
        if (rows[i] > 0) all.insert(all.end(), rows[i], Exact(base, queries, distance, i, q));
      }
      if (all.size() < k) Fail("fewer rows than answers asked for");
      std::nth_element(all.begin(), all.begin() + (k - 1), all.end());
      kth[q] = all[k - 1];
    }
  };
  std::thread other(half, 1);
  half(0);
  other.join();
  return kth;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6 && argc != 7) {
    std::fprintf(stderr, "usage: %s BASE.fvecs QUERIES.fvecs l2|cos K FOUND [IDS]\n", argv[0]);
    return 2;
  }
  const Vectors base = ReadRows<float>(argv[1]);
  const Vectors queries = ReadRows<float>(argv[2]);
  const Distance distance = ParseDistance(argv[3]);
  const size_t k = std::stoul(argv[4]);
  const auto found = ReadFound(argv[5], queries.n());
  const auto kth =
      KthDistances(base, queries, distance, k, CountRows(argc > 6 ? argv[6] : nullptr, base.n()));
  size_t right = 0;
  size_t least = SIZE_MAX;
  for (size_t q = 0; q < queries.n(); q++) {
    const size_t hits = std::count_if(found[q].begin(), found[q].end(), [&](size_t id) {
      return Exact(base, queries, distance, id, q) <= kth[q];
    });
    right += std::min(hits, k);
    least = std::min(least, found[q].size());
  }
  std::printf("queries=%zu recall=%.4f least=%zu\n", queries.n(),
              static_cast<double>(right) / static_cast<double>(k * queries.n()), least);
  return 0;
}
