// Compares two searches for the same queries by their recall against the exact answers.
//
//   paired_recall BASE.fvecs QUERIES.fvecs l2|cos|ip K FOUND_A FOUND_B
//
// FOUND has a line "<query> <id>" for each row found; an id is the position of its vector in BASE.
// Where ties are, it does not matter which rows are found: a row is right if it is no farther than
// the exact K-th. Distances are those of the stored float values, computed in double, so that
// neither search is the judge of the other. Prints
//   queries=N a=R b=R difference=D error=E
// a, b: the recall of each. difference: b - a. error: the standard error of the difference, from
// the differences of the queries one by one; what makes a query hard is hard for both.
#include <set>

#include "vector_file.h"

namespace {

using namespace hnswpg::tools;

enum class Metric { kL2, kCosine, kInnerProduct };

Metric ParseMetric(const std::string& name) {
  if (name == "ip") return Metric::kInnerProduct;
  return ParseDistance(name) == Distance::kL2 ? Metric::kL2 : Metric::kCosine;
}

// The vectors in double; for cosine, of length 1. A vector without length stays as it is.
Rows<double> Widened(const Vectors& rows, Metric metric) {
  Rows<double> wide{rows.dim, {rows.values.begin(), rows.values.end()}};
  if (metric != Metric::kCosine) return wide;
  for (size_t i = 0; i < wide.n(); i++) {
    double* row = wide.row(i);
    const double length = std::sqrt(std::inner_product(row, row + wide.dim, row, 0.0));
    for (size_t d = 0; d < wide.dim && length > 0; d++) row[d] /= length;
  }
  return wide;
}

// Smaller is nearer. L2 is not squared. Cosine is the squared distance of vectors of length 1,
// which has the same order and stays exact where vectors point almost the same way.
double ExactDistance(const double* a, const double* b, size_t dim, Metric metric) {
  if (metric == Metric::kInnerProduct) return -std::inner_product(a, a + dim, b, 0.0);
  double sum = 0;
  for (size_t d = 0; d < dim; d++) sum += (a[d] - b[d]) * (a[d] - b[d]);
  return metric == Metric::kL2 ? std::sqrt(sum) : sum;
}

// What still counts as the distance `kth`. Rounding must not part what is equal. Inner products of
// large vectors are close to each other and get less room. Cosine gets what float32 cannot tell
// apart near 1: two units of its last place, doubled as the distance is here.
double WithTolerance(double kth, Metric metric) {
  if (metric == Metric::kInnerProduct) return kth + std::abs(kth) * 1e-12;
  const double unresolved = metric == Metric::kCosine ? 2 * 0x1p-22 : 0;
  return kth * (1 + 1e-6) + unresolved;
}

std::vector<std::set<size_t>> ReadFound(const std::string& path, size_t queries, size_t rows) {
  std::vector<std::set<size_t>> found(queries);
  std::ifstream file(path);
  if (!file) Fail("cannot open " + path);
  for (size_t q, id; file >> q >> id;) {
    if (q >= queries || id >= rows) Fail(path + ": a query or a row that does not exist");
    if (!found[q].insert(id).second) Fail(path + ": a row twice for one query");
  }
  if (!file.eof()) Fail(path + ": not '<query> <id>'");
  return found;
}

double RecallOf(const std::set<size_t>& found, const std::vector<double>& distances, double limit,
                size_t k) {
  const size_t hits =
      std::count_if(found.begin(), found.end(), [&](size_t id) { return distances[id] <= limit; });
  return static_cast<double>(std::min(hits, k)) / static_cast<double>(k);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: %s BASE.fvecs QUERIES.fvecs l2|cos|ip K FOUND_A FOUND_B\n",
                 argv[0]);
    return 2;
  }
  const Metric metric = ParseMetric(argv[3]);
  const Rows<double> base = Widened(ReadRows<float>(argv[1]), metric);
  const Rows<double> queries = Widened(ReadRows<float>(argv[2]), metric);
  if (base.dim != queries.dim) Fail("base and queries have different dimensions");
  const size_t k = std::stoul(argv[4]);
  if (k == 0 || k > base.n()) Fail("K is not between 1 and the number of vectors");
  if (queries.n() < 2) Fail("one query has no standard error");
  const auto found_a = ReadFound(argv[5], queries.n(), base.n());
  const auto found_b = ReadFound(argv[6], queries.n(), base.n());

  double sum_a = 0, sum_b = 0, squares = 0;
  for (size_t q = 0; q < queries.n(); q++) {
    std::vector<double> distances(base.n());
    for (size_t i = 0; i < base.n(); i++) {
      distances[i] = ExactDistance(base.row(i), queries.row(q), base.dim, metric);
    }
    std::vector<double> sorted = distances;
    std::nth_element(sorted.begin(), sorted.begin() + (k - 1), sorted.end());
    const double limit = WithTolerance(sorted[k - 1], metric);
    const double a = RecallOf(found_a[q], distances, limit, k);
    const double b = RecallOf(found_b[q], distances, limit, k);
    sum_a += a;
    sum_b += b;
    squares += (b - a) * (b - a);
  }
  const double n = static_cast<double>(queries.n());
  const double difference = (sum_b - sum_a) / n;
  const double variance = std::max(0.0, squares / n - difference * difference) * n / (n - 1);
  std::printf("queries=%zu a=%.4f b=%.4f difference=%.4f error=%.4f\n", queries.n(), sum_a / n,
              sum_b / n, difference, std::sqrt(variance / n));
  return 0;
}
