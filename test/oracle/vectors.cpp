// Makes vectors for tests, and turns files of them into what COPY reads.
//
//   vectors generate N DIM SEED STREAM OUT.fvecs   clustered random vectors; base: stream 0,
//                                                  queries from the same clusters: stream 1
//   vectors copy IN.fvecs OUT [COUNT [FIRST_ID]]   the first COUNT as COPY ... (FORMAT binary) of
//                                                  (id int, v vector); ids from FIRST_ID (0)
#include <endian.h>

#include <bit>
#include <cstring>

#include "vector_file.h"

namespace {

using namespace hnswpg::tools;

// A stream of big-endian numbers, as COPY and the type's binary form have them.
class CopyFile {
 public:
  explicit CopyFile(const std::string& path) : path_(path), file_(path, std::ios::binary) {
    file_.write("PGCOPY\n\377\r\n\0", 11);
    Put32(0);  // flags
    Put32(0);  // bytes of header extension
  }
  void PutRow(int32_t id, const float* vector, size_t dim) {
    Put16(2);  // columns
    Put32(4);
    Put32(static_cast<uint32_t>(id));
    Put32(static_cast<uint32_t>(4 + 4 * dim));
    Put16(static_cast<uint16_t>(dim));
    Put16(0);
    for (size_t d = 0; d < dim; d++) Put32(std::bit_cast<uint32_t>(vector[d]));
  }
  void Close() {
    Put16(0xFFFF);
    if (!file_.flush()) Fail("cannot write " + path_);
  }

 private:
  void Put16(uint16_t value) {
    value = htobe16(value);
    file_.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void Put32(uint32_t value) {
    value = htobe32(value);
    file_.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
  std::string path_;
  std::ofstream file_;
};

int GenerateFile(char** args) {
  const Vectors rows = Generate(std::stoul(args[0]), std::stoul(args[1]), std::stoull(args[2]),
                                std::stoull(args[3]));
  WriteRows(rows, args[4]);
  return 0;
}

int CopyRows(int n_args, char** args) {
  Vectors rows = ReadRows<float>(args[0]);
  if (n_args > 2) rows.Truncate(std::stoul(args[2]));
  const int32_t first_id = n_args > 3 ? std::stoi(args[3]) : 0;
  CopyFile file(args[1]);
  for (size_t i = 0; i < rows.n(); i++) {
    file.PutRow(first_id + static_cast<int32_t>(i), rows.row(i), rows.dim);
  }
  file.Close();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "generate" && argc == 7) return GenerateFile(argv + 2);
  if (command == "copy" && argc >= 4 && argc <= 6) return CopyRows(argc - 2, argv + 2);
  std::fprintf(stderr,
               "usage: %s generate N DIM SEED STREAM OUT.fvecs\n"
               "       %s copy IN.fvecs OUT [COUNT [FIRST_ID]]\n",
               argv[0], argv[0]);
  return 2;
}
