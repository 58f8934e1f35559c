// The table that write_bench prints: one line for each figure, with what it must reach and the raw
// numbers it was computed from.
#ifndef HNSWPG_BENCH_WRITE_FIGURES_H_
#define HNSWPG_BENCH_WRITE_FIGURES_H_

#include <cstdarg>
#include <cstdio>
#include <string>

namespace hnswpg::tools {

struct Target {
  enum class Kind { kNone, kAtLeast, kAtMost };
  Kind kind;
  double value;

  bool Reached(double measured) const {
    return kind == Kind::kNone || (kind == Kind::kAtLeast ? measured >= value : measured <= value);
  }
};

inline Target AtLeast(double value) { return {Target::Kind::kAtLeast, value}; }
inline Target AtMost(double value) { return {Target::Kind::kAtMost, value}; }
// For a figure that is printed for information.
inline Target NoTarget() { return {Target::Kind::kNone, 0}; }

__attribute__((format(printf, 1, 2))) inline std::string Format(const char* format, ...) {
  char text[400];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

inline void PrintHeading(const std::string& heading) {
  std::printf("\n  %-62s %9s  %-9s\n", heading.c_str(), "measured", "target");
}

// Ratios have two decimals, counts and bytes none.
inline void PrintFigure(const std::string& what, double measured, Target target,
                        const std::string& raw, int decimals = 2) {
  std::string wanted;
  if (target.kind != Target::Kind::kNone) {
    wanted = target.kind == Target::Kind::kAtLeast ? ">= " : "<= ";
    wanted += Format("%g", target.value);
  }
  std::printf("  %-62s %9.*f  %-9s %-6s  %s\n", what.c_str(), decimals, measured, wanted.c_str(),
              target.Reached(measured) ? "" : "MISSED", raw.c_str());
}

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_WRITE_FIGURES_H_
