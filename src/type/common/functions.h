// The functions of a type of dense values, as SQL calls them: one row for each, under the name of
// the type, an underscore and the row's name.
#ifndef TYPE_COMMON_FUNCTIONS_H_
#define TYPE_COMMON_FUNCTIONS_H_

#include "type/common/aggregate.h"
#include "type/common/arithmetic.h"
#include "type/common/binary.h"
#include "type/common/cast.h"
#include "type/common/compare.h"
#include "type/common/distance.h"
#include "type/common/text.h"
#include "type/common/typmod.h"

#define HNSWPG_OF_TYPE(name, body) \
  HNSWPG_FUNCTION(name)(PG_FUNCTION_ARGS) { return body(fcinfo); }

#define HNSWPG_COMPARISON(name, type, E, result)           \
  HNSWPG_FUNCTION(type##_##name)(PG_FUNCTION_ARGS) {       \
    const int order = hnswpg::CompareArguments<E>(fcinfo); \
    return result;                                         \
  }

// `E` is the kind of elements of the SQL type `type`.
#define HNSWPG_DENSE_FUNCTIONS(type, E)                                          \
  HNSWPG_OF_TYPE(type##_in, hnswpg::DenseIn<E>)                                  \
  HNSWPG_OF_TYPE(type##_out, hnswpg::DenseOut<E>)                                \
  HNSWPG_OF_TYPE(type##_recv, hnswpg::DenseRecv<E>)                              \
  HNSWPG_OF_TYPE(type##_send, hnswpg::DenseSend<E>)                              \
  HNSWPG_OF_TYPE(type##_typmod_in, hnswpg::DenseTypmodIn<E>)                     \
  HNSWPG_OF_TYPE(type##_to_typmod, hnswpg::DenseToTypmod<E>)                     \
  HNSWPG_OF_TYPE(type##_l2_distance, hnswpg::L2Distance<E>)                      \
  HNSWPG_OF_TYPE(type##_l2_squared_distance, hnswpg::L2SquaredDistance<E>)       \
  HNSWPG_OF_TYPE(type##_inner_product, hnswpg::InnerProduct<E>)                  \
  HNSWPG_OF_TYPE(type##_negative_inner_product, hnswpg::NegativeInnerProduct<E>) \
  HNSWPG_OF_TYPE(type##_cosine_distance, hnswpg::CosineDistance<E>)              \
  HNSWPG_OF_TYPE(type##_l1_distance, hnswpg::L1Distance<E>)                      \
  HNSWPG_OF_TYPE(type##_spherical_distance, hnswpg::SphericalDistance<E>)        \
  HNSWPG_OF_TYPE(type##_dims, hnswpg::Dims<E>)                                   \
  HNSWPG_OF_TYPE(type##_norm, hnswpg::NormOf<E>)                                 \
  HNSWPG_OF_TYPE(type##_l2_normalize, hnswpg::Normalize<E>)                      \
  HNSWPG_OF_TYPE(type##_binary_quantize, hnswpg::BinaryQuantize<E>)              \
  HNSWPG_OF_TYPE(type##_subvector, hnswpg::Subvector<E>)                         \
  HNSWPG_OF_TYPE(type##_add, hnswpg::Add<E>)                                     \
  HNSWPG_OF_TYPE(type##_sub, hnswpg::Subtract<E>)                                \
  HNSWPG_OF_TYPE(type##_mul, hnswpg::Multiply<E>)                                \
  HNSWPG_OF_TYPE(type##_concat, hnswpg::Concat<E>)                               \
  HNSWPG_OF_TYPE(type##_accum, hnswpg::Accumulate<E>)                            \
  HNSWPG_OF_TYPE(type##_combine, hnswpg::CombineStates<E>)                       \
  HNSWPG_OF_TYPE(type##_avg, hnswpg::Average<E>)                                 \
  HNSWPG_OF_TYPE(type##_from_array, hnswpg::ArrayToDense<E>)                     \
  HNSWPG_OF_TYPE(type##_to_float4, hnswpg::DenseToFloat4<E>)                     \
  HNSWPG_OF_TYPE(type##_to_float8, hnswpg::DenseToFloat8<E>)                     \
  HNSWPG_OF_TYPE(type##_to_int4, hnswpg::DenseToInt4<E>)                         \
  HNSWPG_OF_TYPE(type##_to_numeric, hnswpg::DenseToNumeric<E>)                   \
  HNSWPG_COMPARISON(lt, type, E, BoolGetDatum(order < 0))                        \
  HNSWPG_COMPARISON(le, type, E, BoolGetDatum(order <= 0))                       \
  HNSWPG_COMPARISON(eq, type, E, BoolGetDatum(order == 0))                       \
  HNSWPG_COMPARISON(ne, type, E, BoolGetDatum(order != 0))                       \
  HNSWPG_COMPARISON(ge, type, E, BoolGetDatum(order >= 0))                       \
  HNSWPG_COMPARISON(gt, type, E, BoolGetDatum(order > 0))                        \
  HNSWPG_COMPARISON(cmp, type, E, Int32GetDatum(order))

#endif  // TYPE_COMMON_FUNCTIONS_H_
