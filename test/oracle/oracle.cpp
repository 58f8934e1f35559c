// Asks hnswlib itself what a search of the index should find.
//
//   oracle INDEX QUERIES.fvecs EF ANSWERS
//
// INDEX is the main fork of an index that nothing changes (checkpointed, no pending elements).
// Exactly its graph is put into an hnswlib::HierarchicalNSW over the same codes; every query is
// given to searchKnn with k = ef = EF; ANSWERS has what the server found, a line
// "<query> (<block>,<offset>)" for each row, queries numbered from 0. Both must be the same sets.
//
// Where they differ and everything in which they differ is as far away as the farthest that
// hnswlib returned, both are right: a tie. Prints
//   queries=N rows=N same=N ties=N different=N
// and says more about the first queries that differ. Exit 0 whether they do or not.
#include <hnswlib/hnswlib.h>

#include <map>
#include <memory>
#include <set>

#include "hnswpg/core/space/code.h"
#include "index_file.h"

namespace {

using namespace hnswpg;
using namespace hnswpg::tools;
using Hnsw = hnswlib::HierarchicalNSW<float>;

// How the server measures: by codes, but where one of the two elements is to be measured
// exactly by their vectors. A node has both, and says which.
class OracleSpace : public hnswlib::SpaceInterface<float> {
 public:
  explicit OracleSpace(const CodeSpace& codes) : codes_(codes) {}

  static constexpr size_t kCodeAt = 8;
  size_t vector_at() const { return kCodeAt + (codes_.code_bytes() + 7) / 8 * 8; }
  const CodeSpace& codes() const { return codes_; }

  size_t get_data_size() override {
    return vector_at() + (codes_.dim() * sizeof(float) + 7) / 8 * 8;
  }
  hnswlib::DISTFUNC<float> get_dist_func() override { return &Distance; }
  void* get_dist_func_param() override { return this; }

 private:
  static float Distance(const void* a, const void* b, const void* param) {
    const auto* space = static_cast<const OracleSpace*>(param);
    const char* x = static_cast<const char*>(a);
    const char* y = static_cast<const char*>(b);
    if (*x == 0 && *y == 0) return space->codes_.Distance(x + kCodeAt, y + kCodeAt);
    return space->codes_.ExactDistance(reinterpret_cast<const float*>(x + space->vector_at()),
                                       reinterpret_cast<const float*>(y + space->vector_at()));
  }

  CodeSpace codes_;
};

// The graph of the file in hnswlib; node numbers and labels are element ids.
class Oracle {
 public:
  explicit Oracle(const IndexFile& file)
      : file_(file),
        space_(file.space()),
        index_(&space_, std::max(1u, file.meta().next_element), file.meta().m,
               file.meta().ef_construction) {
    const MetaPage& meta = file.meta();
    if (meta.n_pending > 0) Fail("the index has pending elements");
    // What is added later must not be taken for neighbours or lists: all zero.
    memset(index_.data_level0_memory_, 0, index_.max_elements_ * index_.size_data_per_element_);
    index_.cur_element_count = meta.next_element;
    for (ElementId id = 0; id < meta.next_element; id++) {
      if (file.InGraph(id)) AddElement(id);
    }
    index_.enterpoint_node_ = meta.entry;
    index_.maxlevel_ = static_cast<int>(meta.entry_level);
    if (meta.entry == kNoId) Fail("the index is empty");
  }

  // Elements and their distances.
  std::map<ElementId, float> Search(const float* query, size_t ef) {
    std::vector<char> node = NodeOf(query);
    index_.setEf(ef);
    auto found = index_.searchKnn(node.data(), ef);
    std::map<ElementId, float> result;
    for (; !found.empty(); found.pop()) {
      result[static_cast<ElementId>(found.top().second)] = found.top().first;
    }
    return result;
  }

  float DistanceTo(const float* query, ElementId id) {
    return index_.fstdistfunc_(NodeOf(query).data(), index_.getDataByInternalId(id),
                               index_.dist_func_param_);
  }

 private:
  std::vector<char> NodeOf(const float* query) {
    std::vector<char> node(space_.get_data_size());
    space_.codes().Encode(query, node.data() + OracleSpace::kCodeAt);
    memcpy(node.data() + space_.vector_at(), query, space_.codes().dim() * sizeof(float));
    return node;
  }

  void AddElement(ElementId id) {
    index_.setExternalLabel(id, id);
    char* node = index_.getDataByInternalId(id);
    *node = file_.IsExact(id) ? 1 : 0;
    file_.CopyCode(id, node + OracleSpace::kCodeAt);
    file_.CopyVector(id, reinterpret_cast<float*>(node + space_.vector_at()));
    CopyList(file_.Links(id, 0), index_.get_linklist0(id));
    const int level = file_.Level(id);
    if (level > 0) {
      const size_t bytes = index_.size_links_per_element_ * level;
      index_.linkLists_[id] = static_cast<char*>(calloc(1, bytes));
      index_.element_levels_[id] = level;
      for (int l = 1; l <= level; l++) CopyList(file_.Links(id, l), index_.get_linklist(id, l));
    }
    if (file_.State(id) == SlotState::kDead) index_.markDeletedInternal(id);
  }

  void CopyList(std::span<const ElementId> links, hnswlib::linklistsizeint* list) {
    index_.setListCount(list, static_cast<unsigned short>(links.size()));
    std::copy(links.begin(), links.end(), list + 1);
  }

  const IndexFile& file_;
  OracleSpace space_;
  Hnsw index_;
};

// What the server found, by query.
std::vector<std::set<RowId>> ReadAnswers(const std::string& path, size_t queries) {
  std::vector<std::set<RowId>> answers(queries);
  std::ifstream file(path);
  if (!file) Fail("cannot open " + path);
  for (std::string line; std::getline(file, line);) {
    size_t query;
    RowId row;
    if (std::sscanf(line.c_str(), "%zu (%u,%hu)", &query, &row.block, &row.offset) != 3 ||
        query >= queries) {
      Fail(path + ": not '<query> (<block>,<offset>)': " + line);
    }
    if (!answers[query].insert(row).second) Fail(path + ": a row twice: " + line);
  }
  return answers;
}

struct Counts {
  size_t rows = 0, same = 0, ties = 0, different = 0;
};

class Comparison {
 public:
  Comparison(const IndexFile& file, const Vectors& queries, size_t ef)
      : file_(file), queries_(queries), ef_(ef), oracle_(file) {
    for (ElementId id = 0; id < file.meta().next_element; id++) {
      for (const RowId& row : file.RowsOf(id)) element_of_[row] = id;
    }
  }

  void Compare(size_t q, const std::set<RowId>& answer) {
    const auto expected = oracle_.Search(queries_.row(q), ef_);
    std::set<RowId> rows;
    float farthest = -INFINITY;
    for (const auto& [id, distance] : expected) {
      farthest = std::max(farthest, distance);
      for (const RowId& row : file_.RowsOf(id)) rows.insert(row);
    }
    counts_.rows += answer.size();
    if (rows == answer) {
      counts_.same++;
    } else if (rows.size() == answer.size() && IsTie(q, rows, answer, farthest)) {
      counts_.ties++;
    } else {
      if (counts_.different++ < 3) Describe(q, rows, answer, farthest);
    }
  }

  const Counts& counts() const { return counts_; }

 private:
  std::vector<RowId> Missing(const std::set<RowId>& from, const std::set<RowId>& of) const {
    std::vector<RowId> missing;
    std::set_difference(of.begin(), of.end(), from.begin(), from.end(),
                        std::back_inserter(missing));
    return missing;
  }

  bool IsTie(size_t q, const std::set<RowId>& expected, const std::set<RowId>& answer,
             float farthest) {
    std::vector<RowId> differ = Missing(expected, answer);
    for (const RowId& row : Missing(answer, expected)) differ.push_back(row);
    return std::all_of(differ.begin(), differ.end(), [&](const RowId& row) {
      const auto element = element_of_.find(row);
      return element != element_of_.end() &&
             oracle_.DistanceTo(queries_.row(q), element->second) == farthest;
    });
  }

  void Describe(size_t q, const std::set<RowId>& expected, const std::set<RowId>& answer,
                float farthest) {
    std::printf("# query %zu, ef %zu: hnswlib finds %zu rows, the server %zu; farthest %.9g\n", q,
                ef_, expected.size(), answer.size(), static_cast<double>(farthest));
    Print(q, "hnswlib alone", Missing(answer, expected));
    Print(q, "the server alone", Missing(expected, answer));
  }

  void Print(size_t q, const char* who, const std::vector<RowId>& rows) {
    for (size_t i = 0; i < std::min<size_t>(rows.size(), 5); i++) {
      const auto element = element_of_.find(rows[i]);
      if (element == element_of_.end()) {
        std::printf("#   %s: (%u,%hu), which the index does not have\n", who, rows[i].block,
                    rows[i].offset);
        continue;
      }
      std::printf("#   %s: (%u,%hu), element %u at %.9g\n", who, rows[i].block, rows[i].offset,
                  element->second,
                  static_cast<double>(oracle_.DistanceTo(queries_.row(q), element->second)));
    }
  }

  const IndexFile& file_;
  const Vectors& queries_;
  size_t ef_;
  Oracle oracle_;
  std::map<RowId, ElementId> element_of_;
  Counts counts_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s INDEX QUERIES.fvecs EF ANSWERS\n", argv[0]);
    return 2;
  }
  const IndexFile file(argv[1]);
  const Vectors queries = ReadRows<float>(argv[2]);
  if (queries.dim != file.meta().dim) Fail("queries of other dimensions than the index");
  const size_t ef = std::stoul(argv[3]);
  const std::vector<std::set<RowId>> answers = ReadAnswers(argv[4], queries.n());
  Comparison comparison(file, queries, ef);
  for (size_t q = 0; q < queries.n(); q++) comparison.Compare(q, answers[q]);
  const Counts& counts = comparison.counts();
  std::printf("queries=%zu rows=%zu same=%zu ties=%zu different=%zu\n", queries.n(), counts.rows,
              counts.same, counts.ties, counts.different);
  return 0;
}
