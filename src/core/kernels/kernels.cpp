// The distance loops, written once against Google Highway and compiled by
// foreach_target.h for every instruction set the compiler knows.
//
// Invariants: nothing is read outside the n values of either array (a last,
// partial vector is loaded under a mask, or shifted back to end at n). Lanes that
// the n values do not fill, or have filled before, hold zero in both operands,
// which adds nothing to any of the sums. No code here may call inline functions
// of the standard library: they would be compiled with the instructions of the
// target and could be merged by the linker with copies that must run on any CPU.
//
// Works with Highway 1.0.3 and later. Takes no locks, keeps no state.
#include "hnswpg/core/kernels/kernels.h"

#include <cstddef>
#include <cstdint>

// Highway leaves this target out unless asked for it; its CPUs have vpdpbusd,
// which makes dot_i8 nearly twice as fast as AVX3 does.
#ifndef HWY_WANT_AVX3_DL
#define HWY_WANT_AVX3_DL
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/kernels.cpp"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep; must come before highway.h
#include "hwy/highway.h"
// clang-format on
#include "core/kernels/kernels_by_target.h"

// Highway 1.0.3 asks the compiler for AVX-VNNI in AVX3_DL, though what it finds
// on the CPU (and what Ice Lake and Zen 4 have) is AVX512-VNNI. So no plain loop
// over int8 may stand in this target: the compiler could turn it into the
// instructions of the former.
#if HWY_ARCH_X86 && HWY_TARGET == HWY_AVX3_DL
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512vnni")
#else
HWY_BEFORE_NAMESPACE();
#endif
namespace hnswpg {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// How dot_i8 multiplies; see DotI8 and MulAddI8.
#undef HNSWPG_I8_VNNI
#undef HNSWPG_I8_MADDUBS
#undef HNSWPG_I8_QUADS
#undef HNSWPG_HIGHWAY_1_1
#define HNSWPG_HIGHWAY_1_1 (HWY_MAJOR > 1 || HWY_MINOR >= 1)
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
#define HNSWPG_I8_VNNI 1
#elif HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3
#define HNSWPG_I8_MADDUBS 1
#elif HNSWPG_HIGHWAY_1_1 && !HWY_ARCH_X86 && HWY_TARGET < HWY_EMU128
#define HNSWPG_I8_QUADS 1
#endif

// Values i .. n-1 of p, fewer than a vector of them, and zeros in the remaining
// lanes. Where in the vector they lie depends on i and n alone, so the tails of
// two arrays fit together. Where a masked load may touch what it masks, n is at
// least a whole vector: the last one is loaded, less what i has passed.
template <class D, typename T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> LoadTail(D d, const T* HWY_RESTRICT p, size_t i, size_t n) {
#if HWY_MEM_OPS_MIGHT_FAULT
  const size_t lanes = hn::Lanes(d);
  return hn::IfThenZeroElse(hn::FirstN(d, lanes - (n - i)), hn::LoadU(d, p + n - lanes));
#else
  return hn::MaskedLoad(hn::FirstN(d, n - i), d, p + i);
#endif
}

// The same of half floats, widened. (No masked load: of 16 bits few targets have one.)
template <class DF32>
using DHalf = hn::Rebind<hwy::float16_t, DF32>;

template <class DF32>
HWY_INLINE hn::Vec<DF32> LoadWide(DF32 d, const Half* HWY_RESTRICT p) {
  return hn::PromoteTo(d, hn::LoadU(DHalf<DF32>(), reinterpret_cast<const hwy::float16_t*>(p)));
}

template <class DF32>
HWY_INLINE hn::Vec<DF32> TailWide(DF32 d, const Half* HWY_RESTRICT p, size_t i, size_t n) {
  Half lanes[HWY_MAX_BYTES / sizeof(float)] = {};
  for (size_t k = 0; i + k < n; k++) lanes[k] = p[i + k];
  return LoadWide(d, lanes);
}

template <class D>
HWY_INLINE hn::Vec<D> LoadWide(D d, const float* HWY_RESTRICT p) {
  return hn::LoadU(d, p);
}

template <class D>
HWY_INLINE hn::Vec<D> TailWide(D d, const float* HWY_RESTRICT p, size_t i, size_t n) {
  return LoadTail(d, p, i, n);
}

// GCC loads a value that is used twice from memory twice, and loads are what
// these loops wait for.
template <class V>
HWY_INLINE void KeepInRegister(V& v) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3 && HWY_COMPILER_GCC_ACTUAL
  asm("" : "+v"(v.raw));
#else
  (void)v;
#endif
}

// The sum of the lanes of v.
#if HNSWPG_HIGHWAY_1_1
template <class D>
HWY_INLINE hn::TFromD<D> SumLanes(D d, hn::Vec<D> v) {
  return hn::ReduceSum(d, v);
}
#else
template <class D>
HWY_INLINE hn::TFromD<D> SumLanes(D d, hn::Vec<D> v) {
  return hn::GetLane(hn::SumOfLanes(d, v));
}
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
// SumOfLanes would copy the sum to all lanes first.
HWY_INLINE float SumLanes(hn::Full512<float> /*d*/, hn::Vec512<float> v) {
  return _mm512_reduce_add_ps(v.raw);
}
HWY_INLINE int32_t SumLanes(hn::Full512<int32_t> /*d*/, hn::Vec512<int32_t> v) {
  return _mm512_reduce_add_epi32(v.raw);
}
#endif
#endif

struct L2Term {
  template <class V>
  static HWY_INLINE V Add(V a, V b, V sum) {
    const V diff = hn::Sub(a, b);
    return hn::MulAdd(diff, diff, sum);
  }
};

struct DotTerm {
  template <class V>
  static HWY_INLINE V Add(V a, V b, V sum) {
    return hn::MulAdd(a, b, sum);
  }
};

struct L1Term {
  template <class V>
  static HWY_INLINE V Add(V a, V b, V sum) {
    return hn::Add(hn::Abs(hn::Sub(a, b)), sum);
  }
};

// The sum of Term over both arrays, by vectors of D. Four sums are kept apart,
// since an addition cannot start before the one it depends on has ended.
template <class Term, class D, class T>
HWY_INLINE float Sum(D d, const T* HWY_RESTRICT a, const T* HWY_RESTRICT b, size_t n) {
  using V = hn::Vec<D>;
  const size_t lanes = hn::Lanes(d);
#if HWY_MEM_OPS_MIGHT_FAULT
  if constexpr (hn::MaxLanes(D()) > 1) {
    if (HWY_UNLIKELY(n < lanes)) return Sum<Term>(hn::Half<D>(), a, b, n);
  }
#endif
  V sum0 = hn::Zero(d);
  V sum1 = hn::Zero(d);
  size_t i = 0;
  if (n >= 4 * lanes) {
    V sum2 = hn::Zero(d);
    V sum3 = hn::Zero(d);
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      sum0 = Term::Add(LoadWide(d, a + i), LoadWide(d, b + i), sum0);
      sum1 = Term::Add(LoadWide(d, a + i + lanes), LoadWide(d, b + i + lanes), sum1);
      sum2 = Term::Add(LoadWide(d, a + i + 2 * lanes), LoadWide(d, b + i + 2 * lanes), sum2);
      sum3 = Term::Add(LoadWide(d, a + i + 3 * lanes), LoadWide(d, b + i + 3 * lanes), sum3);
    }
    sum0 = hn::Add(sum0, sum2);
    sum1 = hn::Add(sum1, sum3);
  }
  if (i + 2 * lanes <= n) {
    sum0 = Term::Add(LoadWide(d, a + i), LoadWide(d, b + i), sum0);
    sum1 = Term::Add(LoadWide(d, a + i + lanes), LoadWide(d, b + i + lanes), sum1);
    i += 2 * lanes;
  }
  if (i + lanes <= n) {
    sum0 = Term::Add(LoadWide(d, a + i), LoadWide(d, b + i), sum0);
    i += lanes;
  }
  if (i < n) sum1 = Term::Add(TailWide(d, a, i, n), TailWide(d, b, i, n), sum1);
  return SumLanes(d, hn::Add(sum0, sum1));
}

using DF = hn::ScalableTag<float>;

float L2Squared(const float* a, const float* b, size_t n) { return Sum<L2Term>(DF(), a, b, n); }

float Dot(const float* a, const float* b, size_t n) { return Sum<DotTerm>(DF(), a, b, n); }

float L1(const float* a, const float* b, size_t n) { return Sum<L1Term>(DF(), a, b, n); }

// Adds one vector's worth to the three sums of SumCosine.
template <class V>
HWY_INLINE void AddCosine(V a, V b, V& ab, V& aa, V& bb) {
  KeepInRegister(a);
  KeepInRegister(b);
  ab = hn::MulAdd(a, b, ab);
  aa = hn::MulAdd(a, a, aa);
  bb = hn::MulAdd(b, b, bb);
}

// The three sums of cosine_parts.
template <class D, class T>
HWY_INLINE void SumCosine(D d, const T* HWY_RESTRICT a, const T* HWY_RESTRICT b, size_t n,
                          float* dot, float* a2, float* b2) {
  using V = hn::Vec<D>;
  const size_t lanes = hn::Lanes(d);
#if HWY_MEM_OPS_MIGHT_FAULT
  if constexpr (hn::MaxLanes(D()) > 1) {
    if (HWY_UNLIKELY(n < lanes)) return SumCosine(hn::Half<D>(), a, b, n, dot, a2, b2);
  }
#endif
  V ab0 = hn::Zero(d), aa0 = hn::Zero(d), bb0 = hn::Zero(d);
  V ab1 = hn::Zero(d), aa1 = hn::Zero(d), bb1 = hn::Zero(d);
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    AddCosine(LoadWide(d, a + i), LoadWide(d, b + i), ab0, aa0, bb0);
    AddCosine(LoadWide(d, a + i + lanes), LoadWide(d, b + i + lanes), ab1, aa1, bb1);
  }
  if (i + lanes <= n) {
    AddCosine(LoadWide(d, a + i), LoadWide(d, b + i), ab0, aa0, bb0);
    i += lanes;
  }
  if (i < n) AddCosine(TailWide(d, a, i, n), TailWide(d, b, i, n), ab1, aa1, bb1);
  *dot = SumLanes(d, hn::Add(ab0, ab1));
  *a2 = SumLanes(d, hn::Add(aa0, aa1));
  *b2 = SumLanes(d, hn::Add(bb0, bb1));
}

void CosineParts(const float* a, const float* b, size_t n, float* dot, float* a2, float* b2) {
  SumCosine(DF(), a, b, n, dot, a2, b2);
}

float L2SquaredF16(const Half* a, const Half* b, size_t n) { return Sum<L2Term>(DF(), a, b, n); }

float DotF16(const Half* a, const Half* b, size_t n) { return Sum<DotTerm>(DF(), a, b, n); }

float L1F16(const Half* a, const Half* b, size_t n) { return Sum<L1Term>(DF(), a, b, n); }

void CosinePartsF16(const Half* a, const Half* b, size_t n, float* dot, float* a2, float* b2) {
  SumCosine(DF(), a, b, n, dot, a2, b2);
}

void WidenF16(const Half* HWY_RESTRICT values, size_t n, float* HWY_RESTRICT out) {
  const DF d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(LoadWide(d, values + i), d, out + i);
  if (i == n) return;
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(TailWide(d, values, i, n), d, rest);
  for (size_t k = 0; i + k < n; k++) out[i + k] = rest[k];
}

using DI32 = hn::ScalableTag<int32_t>;
using VI32 = hn::Vec<DI32>;

#if HNSWPG_I8_VNNI

using DI8 = hn::ScalableTag<int8_t>;
using DU8 = hn::ScalableTag<uint8_t>;

// sum + the products of u and s, added up by fours: vpdpbusd.
HWY_INLINE VI32 AddQuads(hn::Vec<DU8> u, hn::Vec<DI8> s, VI32 sum) {
#if HNSWPG_HIGHWAY_1_1
  return hn::SumOfMulQuadAccumulate(DI32(), u, s, sum);
#else
  return VI32{_mm512_dpbusd_epi32(sum.raw, u.raw, s.raw)};
#endif
}

// vpdpbusd multiplies unsigned by signed. a + 128 (a with its top bit flipped)
// is unsigned, and dot(a, b) = dot(a + 128, b) - dot(128, b).
HWY_INLINE void AddShifted(hn::Vec<DI8> a, hn::Vec<DI8> b, VI32& sum, VI32& excess) {
  KeepInRegister(b);
  const DU8 du8;
  const auto shift = hn::Set(du8, uint8_t{128});
  sum = AddQuads(hn::Xor(hn::BitCast(du8, a), shift), b, sum);
  excess = AddQuads(shift, b, excess);
}

int32_t DotI8(const int8_t* HWY_RESTRICT a, const int8_t* HWY_RESTRICT b, size_t n) {
  const DI8 d8;
  const DI32 d32;
  const size_t lanes = hn::Lanes(d8);
  VI32 sum0 = hn::Zero(d32), excess0 = hn::Zero(d32);
  VI32 sum1 = hn::Zero(d32), excess1 = hn::Zero(d32);
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    AddShifted(hn::LoadU(d8, a + i), hn::LoadU(d8, b + i), sum0, excess0);
    AddShifted(hn::LoadU(d8, a + i + lanes), hn::LoadU(d8, b + i + lanes), sum1, excess1);
  }
  if (i + lanes <= n) {
    AddShifted(hn::LoadU(d8, a + i), hn::LoadU(d8, b + i), sum0, excess0);
    i += lanes;
  }
  if (i < n) AddShifted(LoadTail(d8, a, i, n), LoadTail(d8, b, i, n), sum1, excess1);
  return SumLanes(d32, hn::Sub(hn::Add(sum0, sum1), hn::Add(excess0, excess1)));
}

#else  // !HNSWPG_I8_VNNI

using DI16 = hn::ScalableTag<int16_t>;

#if HNSWPG_I8_MADDUBS || HNSWPG_I8_QUADS
using DI8 = hn::ScalableTag<int8_t>;
#else
using DI8 = hn::Rebind<int8_t, DI16>;  // as many as fit once widened
#endif

// Adds the products of a and b to the lanes of sum0 and sum1, in any way.
HWY_INLINE void MulAddI8(hn::Vec<DI8> a, hn::Vec<DI8> b, VI32& sum0, VI32& sum1) {
#if HNSWPG_I8_MADDUBS
  // vpmaddubsw multiplies unsigned by signed and adds pairs into int16, which
  // 2 * 127 * 127 does not overflow: |a| * (b with the sign of a).
#if HWY_TARGET == HWY_AVX3
  const auto abs_a = hn::Abs(a);
  const auto signed_b = hn::IfThenElse(hn::Lt(a, hn::Zero(DI8())), hn::Neg(b), b);
  const hn::Vec<DI16> pairs{_mm512_maddubs_epi16(abs_a.raw, signed_b.raw)};
#elif HWY_TARGET == HWY_AVX2
  const hn::Vec<DI16> pairs{
      _mm256_maddubs_epi16(_mm256_abs_epi8(a.raw), _mm256_sign_epi8(b.raw, a.raw))};
#else
  const hn::Vec<DI16> pairs{_mm_maddubs_epi16(_mm_abs_epi8(a.raw), _mm_sign_epi8(b.raw, a.raw))};
#endif
  sum0 = hn::ReorderWidenMulAccumulate(DI32(), pairs, hn::Set(DI16(), int16_t{1}), sum0, sum1);
#elif HNSWPG_I8_QUADS
  sum0 = hn::SumOfMulQuadAccumulate(DI32(), a, b, sum0);
  (void)sum1;
#else
  const DI16 d16;
  sum0 = hn::ReorderWidenMulAccumulate(DI32(), hn::PromoteTo(d16, a), hn::PromoteTo(d16, b), sum0,
                                       sum1);
#endif
}

#if HWY_MEM_OPS_MIGHT_FAULT
// For n of less than one vector.
HWY_INLINE int32_t DotI8Small(const int8_t* a, const int8_t* b, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}
#endif

int32_t DotI8(const int8_t* HWY_RESTRICT a, const int8_t* HWY_RESTRICT b, size_t n) {
  const DI8 d8;
  const DI32 d32;
  const size_t lanes = hn::Lanes(d8);
#if HWY_MEM_OPS_MIGHT_FAULT
  if (HWY_UNLIKELY(n < lanes)) return DotI8Small(a, b, n);
#endif
  VI32 sum0 = hn::Zero(d32), sum1 = hn::Zero(d32);
  VI32 sum2 = hn::Zero(d32), sum3 = hn::Zero(d32);
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    MulAddI8(hn::LoadU(d8, a + i), hn::LoadU(d8, b + i), sum0, sum1);
    MulAddI8(hn::LoadU(d8, a + i + lanes), hn::LoadU(d8, b + i + lanes), sum2, sum3);
  }
  if (i + lanes <= n) {
    MulAddI8(hn::LoadU(d8, a + i), hn::LoadU(d8, b + i), sum0, sum1);
    i += lanes;
  }
  if (i < n) MulAddI8(LoadTail(d8, a, i, n), LoadTail(d8, b, i, n), sum2, sum3);
  return SumLanes(d32, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3)));
}

#endif  // HNSWPG_I8_VNNI

#if HNSWPG_I8_VNNI || HNSWPG_I8_MADDUBS

// One vector of the query, with what is computed of it once for four arrays.
struct QueryPart {
  hn::Vec<DI8> values;
#if HNSWPG_I8_MADDUBS
  hn::Vec<DI8> abs;
#endif
};

HWY_INLINE QueryPart MakePart(hn::Vec<DI8> values) {
#if HNSWPG_I8_MADDUBS
  return {values, hn::Abs(values)};
#else
  return {values};
#endif
}

// sum + the products of the query's values and v, in any way. With VNNI v + 128
// takes v's place: it is the operand that has to be unsigned, and the excess is the
// same for all arrays.
HWY_INLINE VI32 AddProducts(const QueryPart& query, hn::Vec<DI8> v, VI32 sum) {
#if HNSWPG_I8_VNNI
  const DU8 du8;
  return AddQuads(hn::Xor(hn::BitCast(du8, v), hn::Set(du8, uint8_t{128})), query.values, sum);
#elif HWY_TARGET == HWY_AVX3
  const auto negative = _mm512_movepi8_mask(query.values.raw);
  const auto signed_v = _mm512_mask_sub_epi8(v.raw, negative, _mm512_setzero_si512(), v.raw);
  const auto pairs = _mm512_maddubs_epi16(query.abs.raw, signed_v);
  return hn::Add(sum, VI32{_mm512_madd_epi16(pairs, _mm512_set1_epi16(1))});
#elif HWY_TARGET == HWY_AVX2
  const auto signed_v = _mm256_sign_epi8(v.raw, query.values.raw);
  const auto pairs = _mm256_maddubs_epi16(query.abs.raw, signed_v);
  return hn::Add(sum, VI32{_mm256_madd_epi16(pairs, _mm256_set1_epi16(1))});
#else
  const auto signed_v = _mm_sign_epi8(v.raw, query.values.raw);
  const auto pairs = _mm_maddubs_epi16(query.abs.raw, signed_v);
  return hn::Add(sum, VI32{_mm_madd_epi16(pairs, _mm_set1_epi16(1))});
#endif
}

// What the products of AddProducts are too much, in all.
HWY_INLINE int32_t Excess(const QueryI8& query) {
#if HNSWPG_I8_VNNI
  return 128 * query.sum;
#else
  (void)query;
  return 0;
#endif
}

using D4 = hn::Full128<int32_t>;

// The vector whose lanes are the sums of every fourth lane of v, from the first,
// the second, the third and the fourth on.
template <class D>
HWY_INLINE hn::Vec<D4> SumBlocks(D /*d*/, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) <= 4) {
    return v;
  } else {
    const hn::Half<D> half;
    return SumBlocks(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}

// The sums of the lanes of each of four vectors.
HWY_INLINE hn::Vec<D4> SumLanesOf4(VI32 v0, VI32 v1, VI32 v2, VI32 v3) {
  const DI32 d;
  const hn::ScalableTag<int64_t> pairs;
  const auto v01 = hn::Add(hn::InterleaveLower(d, v0, v1), hn::InterleaveUpper(d, v0, v1));
  const auto v23 = hn::Add(hn::InterleaveLower(d, v2, v3), hn::InterleaveUpper(d, v2, v3));
  const auto lower = hn::InterleaveLower(pairs, hn::BitCast(pairs, v01), hn::BitCast(pairs, v23));
  const auto upper = hn::InterleaveUpper(pairs, hn::BitCast(pairs, v01), hn::BitCast(pairs, v23));
  return SumBlocks(d, hn::Add(hn::BitCast(d, lower), hn::BitCast(d, upper)));
}

// One of n values, from which a vector is taken.
struct Place {
  size_t i, n;
};

// The sums of products of four arrays.
struct Sums4 {
  VI32 sum0, sum1, sum2, sum3;
};

// What lies at `place` of the query and of four arrays: a whole vector, or a tail.
template <bool kTail>
HWY_INLINE hn::Vec<DI8> LoadAt(const int8_t* p, Place place) {
  if constexpr (kTail) {
    return LoadTail(DI8(), p, place.i, place.n);
  } else {
    return hn::LoadU(DI8(), p + place.i);
  }
}

template <bool kTail>
HWY_INLINE void AddProducts4(const QueryPart& query, const int8_t* const* arrays, Place place,
                             Sums4* sums) {
  sums->sum0 = AddProducts(query, LoadAt<kTail>(arrays[0], place), sums->sum0);
  sums->sum1 = AddProducts(query, LoadAt<kTail>(arrays[1], place), sums->sum1);
  sums->sum2 = AddProducts(query, LoadAt<kTail>(arrays[2], place), sums->sum2);
  sums->sum3 = AddProducts(query, LoadAt<kTail>(arrays[3], place), sums->sum3);
}

HWY_INLINE void StoreSums(const Sums4& sums, int32_t excess, int32_t* out) {
  const auto sum = SumLanesOf4(sums.sum0, sums.sum1, sums.sum2, sums.sum3);
  hn::StoreU(hn::Sub(sum, hn::Set(D4(), excess)), D4(), out);
}

// dots_i8 of 4 or 8 arrays side by side: the query is loaded once for all, and what
// has to come from memory is waited for together. To prefetch more lines of them, or
// those of the next ones, was slower than to leave it to the CPU.
template <int kArrays>
HWY_INLINE void DotsOf(const QueryI8& query, const int8_t* const* arrays, int32_t* out) {
  const size_t lanes = hn::Lanes(DI8());
  const VI32 zero = hn::Zero(DI32());
  Sums4 first = {zero, zero, zero, zero};
  Sums4 second = first;
  Place place = {0, query.n};
  for (; place.i + lanes <= place.n; place.i += lanes) {
    const QueryPart part = MakePart(LoadAt<false>(query.values, place));
    AddProducts4<false>(part, arrays, place, &first);
    if constexpr (kArrays == 8) AddProducts4<false>(part, arrays + 4, place, &second);
  }
  if (place.i < place.n) {
    const QueryPart part = MakePart(LoadAt<true>(query.values, place));
    AddProducts4<true>(part, arrays, place, &first);
    if constexpr (kArrays == 8) AddProducts4<true>(part, arrays + 4, place, &second);
  }
  const int32_t excess = Excess(query);
  StoreSums(first, excess, out);
  if constexpr (kArrays == 8) StoreSums(second, excess, out + 4);
}

void DotsI8(const QueryI8& query, const int8_t* const* arrays, size_t n_arrays, int32_t* out) {
  size_t i = 0;
#if HWY_MEM_OPS_MIGHT_FAULT
  const bool fills_vector = query.n >= hn::Lanes(DI8());
#else
  constexpr bool fills_vector = true;
#endif
  if (fills_vector) {
    for (; i + 8 <= n_arrays; i += 8) DotsOf<8>(query, arrays + i, out + i);
    if (i + 4 <= n_arrays) {
      DotsOf<4>(query, arrays + i, out + i);
      i += 4;
    }
    if (n_arrays - i == 3) {  // for two it would not pay
      const int8_t* const four[] = {arrays[i], arrays[i + 1], arrays[i + 2], arrays[i + 2]};
      int32_t dots[4];
      DotsOf<4>(query, four, dots);
      for (size_t j = 0; j < 3; j++) out[i++] = dots[j];
    }
  }
  for (; i < n_arrays; i++) out[i] = DotI8(query.values, arrays[i], query.n);
}

#else

void DotsI8(const QueryI8& query, const int8_t* const* arrays, size_t n_arrays, int32_t* out) {
  for (size_t i = 0; i < n_arrays; i++) out[i] = DotI8(query.values, arrays[i], query.n);
}

#endif

using DBytes = hn::ScalableTag<uint8_t>;
using DCounts = hn::Repartition<uint64_t, DBytes>;

struct XorBits {
  template <class V>
  static HWY_INLINE V Of(V a, V b) {
    return hn::Xor(a, b);
  }
};

struct AndBits {
  template <class V>
  static HWY_INLINE V Of(V a, V b) {
    return hn::And(a, b);
  }
};

// The bits that are set in each eight bytes of what Operation makes of both.
template <class Operation, class V>
HWY_INLINE hn::Vec<DCounts> CountIn(V a, V b) {
  return hn::SumsOf8(hn::PopulationCount(Operation::Of(a, b)));
}

template <class Operation>
HWY_INLINE uint64_t CountBits(const uint8_t* HWY_RESTRICT a, const uint8_t* HWY_RESTRICT b,
                              size_t n) {
  const DBytes d;
  const size_t lanes = hn::Lanes(d);
  hn::Vec<DCounts> counts = hn::Zero(DCounts());
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    counts = hn::Add(counts, CountIn<Operation>(hn::LoadU(d, a + i), hn::LoadU(d, b + i)));
  }
  if (i < n) {
    HWY_ALIGN uint8_t rest_a[HWY_MAX_BYTES] = {};
    HWY_ALIGN uint8_t rest_b[HWY_MAX_BYTES] = {};
    for (size_t k = 0; i + k < n; k++) {
      rest_a[k] = a[i + k];
      rest_b[k] = b[i + k];
    }
    counts = hn::Add(counts, CountIn<Operation>(hn::Load(d, rest_a), hn::Load(d, rest_b)));
  }
  HWY_ALIGN uint64_t lanes_of[HWY_MAX_BYTES / sizeof(uint64_t)];
  hn::Store(counts, DCounts(), lanes_of);
  uint64_t count = 0;
  for (size_t k = 0; k < hn::Lanes(DCounts()); k++) count += lanes_of[k];
  return count;
}

uint64_t DifferingBits(const uint8_t* a, const uint8_t* b, size_t n) {
  return CountBits<XorBits>(a, b, n);
}

uint64_t CommonBits(const uint8_t* a, const uint8_t* b, size_t n) {
  return CountBits<AndBits>(a, b, n);
}

const Kernels* TargetKernels() {
  // The namespace is called N_AVX2 and so on.
  static constexpr Kernels kKernels = {L2Squared,    Dot,
                                       L1,           CosineParts,
                                       DotI8,        DotsI8,
                                       L2SquaredF16, DotF16,
                                       L1F16,        CosinePartsF16,
                                       WidenF16,     DifferingBits,
                                       CommonBits,   &HWY_STR(HWY_NAMESPACE)[2]};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace hnswpg
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hnswpg {
namespace {

HWY_EXPORT(TargetKernels);

// The kernels of the best of `targets` (a mask of HWY_* bits).
const Kernels* BestOf(int64_t targets) {
#if (HWY_TARGETS & (HWY_TARGETS - 1)) == 0
  (void)targets;
  return HWY_STATIC_DISPATCH(TargetKernels)();
#else
  // A ChosenTarget of our own: the one of the process belongs to everybody that
  // uses Highway in it.
  hwy::ChosenTarget chosen;
  chosen.Update(targets);
  return HWY_DISPATCH_TABLE(TargetKernels)[chosen.GetIndex()]();
#endif
}

}  // namespace

const Kernels& GetKernels() noexcept {
  static const Kernels* const kernels = BestOf(hwy::SupportedTargets());
  return *kernels;
}

const Kernels* KernelsByRank(size_t rank) noexcept {
  int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  for (; rank > 0 && targets != 0; --rank) targets &= targets - 1;  // lowest bit is best
  return targets == 0 ? nullptr : BestOf(targets);
}

}  // namespace hnswpg
#endif  // HWY_ONCE
