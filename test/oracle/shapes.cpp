// Makes sets of vectors of many shapes: those on which codes of a byte a dimension may go wrong,
// and a few on which they are known to do well. What the index promises, it promises for all.
//
//   shapes list                                the shapes, a line each: NAME N DIM
//   shapes NAME OUTDIR [N|- [DIM|- [QUERIES|- [SEED]]]]
//
// Writes to OUTDIR, which is made where it is missing:
//   base.fvecs      N vectors
//   query.fvecs     QUERIES (200) vectors drawn from the same distribution, by themselves
//   centred.fvecs   the base, with mean 0 and deviation 1 in each dimension: what an index may have
//                   been built on before its rows became those of the base
//
// The same arguments give the same files. A dimension that a shape's nature fixes stays as it is.
#include <cstring>
#include <filesystem>
#include <functional>
#include <span>

#include "vector_file.h"

namespace {

using namespace hnswpg::tools;

constexpr size_t kQueries = 200;
constexpr uint64_t kSeed = 9;

class Random {
 public:
  explicit Random(uint64_t seed) : random_(seed) {}
  float Gauss() { return gauss_(random_); }
  float Uniform(double low, double high) {
    return static_cast<float>(std::uniform_real_distribution<double>(low, high)(random_));
  }
  float Cauchy() { return cauchy_(random_); }
  size_t Below(size_t n) { return random_() % n; }

 private:
  std::mt19937_64 random_;
  std::normal_distribution<float> gauss_;
  std::cauchy_distribution<float> cauchy_;
};

using Row = std::span<float>;

// Which vector is to be drawn: of the base or a query, and how many of its file lie before it, as a
// share in [0, 1). Shapes that arrive in phases look at it.
struct Place {
  bool query;
  double at;
};

using Drawer = std::function<void(Random&, Place, Row)>;

struct Shape {
  const char* name;
  size_t n;
  size_t dim;
  bool any_dim;  // whether another dimension makes sense
  // `common` gives what base and queries share, such as centres.
  Drawer (*make)(size_t dim, Random& common);
};

// ---- Building blocks ---------------------------------------------------------

Drawer Uniform(double low, double high) {
  return [=](Random& random, Place, Row row) {
    for (float& value : row) value = random.Uniform(low, high);
  };
}

// Each value: Gaussian, times `width`, plus `offset`.
Drawer Gaussian(float offset, float width) {
  return [=](Random& random, Place, Row row) {
    for (float& value : row) value = offset + width * random.Gauss();
  };
}

// The first dimension alone is changed by `change`.
Drawer FirstChanged(Drawer draw, float (*change)(float)) {
  return [=](Random& random, Place place, Row row) {
    draw(random, place, row);
    row[0] = change(row[0]);
  };
}

// Around one of `n` Gaussian centres, with noise of `width`.
Drawer Centres(size_t n, float width, size_t dim, Random& common) {
  std::vector<float> centres(n * dim);
  for (float& value : centres) value = common.Gauss();
  return [=](Random& random, Place, Row row) {
    const float* centre = centres.data() + random.Below(n) * dim;
    for (size_t d = 0; d < row.size(); d++) row[d] = centre[d] + width * random.Gauss();
  };
}

void ScaleToLength(Row row, double length) {
  double sum = 0;
  for (float value : row) sum += static_cast<double>(value) * value;
  for (float& value : row) value = static_cast<float>(value * length / std::sqrt(sum));
}

// ---- Shapes ------------------------------------------------------------------

// Latitude and longitude, in degrees, within a city.
Drawer City(size_t, Random&) {
  return [](Random& random, Place, Row row) {
    row[0] = random.Uniform(48.80, 48.90);
    row[1] = random.Uniform(2.25, 2.40);
  };
}

// Places on the earth in kilometres from its centre: cities of some 20 km, and villages anywhere.
Drawer Globe(size_t, Random& common) {
  constexpr size_t kCities = 30;
  constexpr double kRadius = 6371;
  std::vector<float> cities(kCities * 3);
  for (size_t i = 0; i < kCities; i++) {
    const Row city = Row(cities).subspan(i * 3, 3);
    for (float& value : city) value = common.Gauss();
    ScaleToLength(city, kRadius);
  }
  return [=](Random& random, Place, Row row) {
    const bool village = random.Below(10) == 0;
    const float* city = cities.data() + random.Below(kCities) * 3;
    for (size_t d = 0; d < 3; d++) {
      row[d] = village ? random.Gauss() : city[d] + 20 * random.Gauss();
    }
    ScaleToLength(row, kRadius);
  };
}

// Moments of one year in seconds since 1970. A float tells apart what is 128 s apart.
Drawer Seconds(size_t, Random&) { return Uniform(1.70e9, 1.73e9); }

Drawer Around100(size_t, Random&) { return Uniform(99.5, 100.5); }
Drawer Offset1(size_t, Random&) { return Gaussian(1, 1); }
Drawer Offset100(size_t, Random&) { return Gaussian(100, 1); }
Drawer Offset10000(size_t, Random&) { return Gaussian(10000, 1); }
Drawer Tiny(size_t, Random&) { return Gaussian(0, 1e-20f); }
Drawer Huge(size_t, Random&) { return Gaussian(0, 1e20f); }
Drawer Control(size_t, Random&) { return Gaussian(0, 1); }
Drawer UnitInterval(size_t, Random&) { return Uniform(0, 1); }

Drawer OneWide(size_t, Random&) {
  return FirstChanged(Gaussian(0, 1), [](float value) { return value * 1000; });
}

Drawer OneConstant(size_t, Random&) {
  return FirstChanged(Gaussian(0, 1), [](float) { return 1000.0f; });
}

// 1,500 near-duplicates around a point, and behind them 25 rows far away from it. Half the queries
// are near one of the 25.
Drawer FarRows(size_t dim, Random& common) {
  constexpr size_t kFar = 25;
  std::vector<float> points((1 + kFar) * dim);  // the first: of the near-duplicates
  for (size_t i = 0; i < points.size(); i++) points[i] = (i < dim ? 1 : 100) * common.Gauss();
  return [=](Random& random, Place place, Row row) {
    const bool far = place.at >= (place.query ? 0.5 : 1500.0 / 1525.0);
    const float* point = points.data() + (far ? 1 + random.Below(kFar) : 0) * dim;
    for (size_t d = 0; d < row.size(); d++) row[d] = point[d] + 0.001f * random.Gauss();
  };
}

// First the one cluster, then the other, a thousand widths away.
Drawer TwoClusters(size_t, Random&) {
  return [](Random& random, Place place, Row row) {
    const float centre = place.at < 0.5 ? -500.0f : 500.0f;
    for (float& value : row) value = centre + random.Gauss();
  };
}

Drawer HeavyTails(size_t, Random&) {
  return [](Random& random, Place, Row row) {
    for (float& value : row) value = random.Cauchy();
  };
}

Drawer Integers(size_t, Random&) {
  return [](Random& random, Place, Row row) {
    for (float& value : row) value = static_cast<float>(random.Below(8));
  };
}

Drawer Bits(size_t, Random&) {
  return [](Random& random, Place, Row row) {
    for (float& value : row) value = static_cast<float>(random.Below(2));
  };
}

Drawer FewValues(size_t dim, Random& common) { return Centres(8, 0.001f, dim, common); }
Drawer Centres40(size_t dim, Random& common) { return Centres(40, 0.01f, dim, common); }

// Twelve dimensions turned into as many as there are, and an offset.
Drawer LowRank(size_t dim, Random& common) {
  constexpr size_t kRank = 12;
  std::vector<float> axes(kRank * dim);
  for (float& value : axes) value = common.Gauss();
  return [=](Random& random, Place, Row row) {
    std::fill(row.begin(), row.end(), 50.0f);
    for (size_t r = 0; r < kRank; r++) {
      const float along = random.Gauss();
      for (size_t d = 0; d < row.size(); d++) row[d] += along * axes[r * dim + d];
    }
  };
}

Drawer Sphere(size_t, Random&) {
  return [](Random& random, Place, Row row) {
    for (float& value : row) value = random.Gauss();
    ScaleToLength(row, 1);
  };
}

constexpr Shape kShapes[] = {
    {"city", 5000, 2, false, City},
    {"globe", 5000, 3, false, Globe},
    {"seconds", 5000, 1, false, Seconds},
    {"around100", 5000, 24, true, Around100},
    {"offset1", 5000, 32, true, Offset1},
    {"offset100", 5000, 32, true, Offset100},
    {"offset10000", 5000, 32, true, Offset10000},
    {"one_wide", 5000, 32, true, OneWide},
    {"one_constant", 5000, 32, true, OneConstant},
    {"tiny", 5000, 32, true, Tiny},
    {"huge", 5000, 32, true, Huge},
    {"far_rows", 1525, 32, true, FarRows},
    {"two_clusters", 5000, 32, true, TwoClusters},
    {"heavy_tails", 5000, 16, true, HeavyTails},
    {"uniform1", 5000, 1, false, UnitInterval},
    {"uniform2", 5000, 2, false, UnitInterval},
    {"uniform3", 5000, 3, false, UnitInterval},
    {"uniform16", 5000, 16, false, UnitInterval},
    {"integers", 5000, 16, true, Integers},
    {"bits", 5000, 128, true, Bits},
    {"few_values", 5000, 32, true, FewValues},
    {"centres40", 5000, 64, true, Centres40},
    {"low_rank", 5000, 96, true, LowRank},
    {"gaussian", 5000, 128, true, Control},
    {"sphere", 5000, 64, true, Sphere},
};

// ---- Files -------------------------------------------------------------------

Vectors Draw(const Drawer& draw, size_t n, size_t dim, uint64_t seed, bool query) {
  Random random(seed * 1000003 + (query ? 2 : 1));
  Vectors rows{dim, std::vector<float>(n * dim)};
  for (size_t i = 0; i < n; i++) {
    const double at = static_cast<double>(i) / static_cast<double>(n);
    draw(random, {query, at}, {rows.row(i), dim});
  }
  return rows;
}

Vectors Centred(Vectors rows) {
  const double n = static_cast<double>(rows.n());
  for (size_t d = 0; d < rows.dim; d++) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < rows.n(); i++) sum += rows.row(i)[d];
    const double mean = sum / n;
    for (size_t i = 0; i < rows.n(); i++) squares += std::pow(rows.row(i)[d] - mean, 2);
    const double deviation = std::sqrt(squares / n);
    for (size_t i = 0; i < rows.n(); i++) {
      float& value = rows.row(i)[d];
      value = deviation == 0 ? 0 : static_cast<float>((value - mean) / deviation);
    }
  }
  return rows;
}

int List() {
  for (const Shape& shape : kShapes) std::printf("%s %zu %zu\n", shape.name, shape.n, shape.dim);
  return 0;
}

const Shape& Find(const char* name) {
  for (const Shape& shape : kShapes) {
    if (strcmp(shape.name, name) == 0) return shape;
  }
  Fail(std::string("no shape '") + name + "': `shapes list` names them");
}

// The i-th argument as a number; `otherwise` where it is missing or "-".
uint64_t Number(int argc, char** argv, int i, uint64_t otherwise) {
  return i < argc && strcmp(argv[i], "-") != 0 ? std::stoull(argv[i]) : otherwise;
}

int Make(int argc, char** argv) {
  const Shape& shape = Find(argv[1]);
  const std::string dir = argv[2];
  const size_t n = Number(argc, argv, 3, shape.n);
  const size_t dim = Number(argc, argv, 4, shape.dim);
  const size_t queries = Number(argc, argv, 5, kQueries);
  const uint64_t seed = Number(argc, argv, 6, kSeed);
  if (n == 0 || dim == 0 || queries == 0) Fail("N, DIM and QUERIES are positive");
  if (dim != shape.dim && !shape.any_dim) Fail(std::string(shape.name) + " has its own dimension");

  std::filesystem::create_directories(dir);
  Random common(seed);
  const Drawer draw = shape.make(dim, common);
  const Vectors base = Draw(draw, n, dim, seed, false);
  WriteRows(base, dir + "/base.fvecs");
  WriteRows(Centred(base), dir + "/centred.fvecs");
  WriteRows(Draw(draw, queries, dim, seed, true), dir + "/query.fvecs");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "list") == 0) return List();
  if (argc >= 3 && argc <= 7) return Make(argc, argv);
  std::fprintf(stderr,
               "usage: %s list\n"
               "       %s NAME OUTDIR [N|- [DIM|- [QUERIES|- [SEED]]]]\n",
               argv[0], argv[0]);
  return 2;
}
