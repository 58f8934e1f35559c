// Which of Highway's targets the CPU can run: the two functions of Highway's library
// that its headers refer to.
//
// The module does without the library for the sake of fresh connections, each of which
// loads what the module needs. Highway 1.0 (Debian 12) measures the speed of its clock
// when it is loaded, 3.4 milliseconds of nothing else. The library knows targets that
// are not told apart here: AVX3_ZEN4 and AVX3_SPR of later versions, which have nothing
// beyond AVX3_DL that the kernels use, and SVE, where NEON is used instead.
#include <cstdint>

#include "hwy/highway.h"

namespace hwy {
namespace {

int64_t Detect() {
  int64_t targets = HWY_ENABLED_BASELINE | HWY_SCALAR | HWY_EMU128;
#if HWY_ARCH_X86 && (HWY_COMPILER_GCC || HWY_COMPILER_CLANG)
  // Each target has all that the one before has. What the compiler may use in one is
  // said in hwy/ops/set_macros-inl.h; the operating system's part, keeping the wide
  // registers, is asked for by the compiler's own function.
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("ssse3")) return targets;
  targets |= HWY_SSSE3;
  if (!__builtin_cpu_supports("sse4.1") || !__builtin_cpu_supports("sse4.2") ||
      !__builtin_cpu_supports("pclmul") || !__builtin_cpu_supports("aes")) {
    return targets;
  }
  targets |= HWY_SSE4;
  // Whatever has these has F16C.
  if (!__builtin_cpu_supports("avx") || !__builtin_cpu_supports("avx2") ||
      !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") ||
      !__builtin_cpu_supports("fma")) {
    return targets;
  }
  targets |= HWY_AVX2;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512vl") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512cd")) {
    return targets;
  }
  targets |= HWY_AVX3;
  // Whatever has these has VAES.
  if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512vbmi") ||
      !__builtin_cpu_supports("avx512vbmi2") || !__builtin_cpu_supports("avx512bitalg") ||
      !__builtin_cpu_supports("avx512vpopcntdq") || !__builtin_cpu_supports("vpclmulqdq") ||
      !__builtin_cpu_supports("gfni")) {
    return targets;
  }
  targets |= HWY_AVX3_DL;
#endif
  return targets;
}

}  // namespace

int64_t SupportedTargets() {
  static const int64_t targets = Detect();
  return targets;
}

// Of use to HWY_DYNAMIC_DISPATCH alone, which the kernels do not use.
ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}

}  // namespace hwy
