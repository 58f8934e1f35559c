// The functions of the SQL type halfvec.
#include "type/common/functions.h"

HNSWPG_DENSE_FUNCTIONS(halfvec, hnswpg::Half)
HNSWPG_OF_TYPE(vector_to_halfvec, (hnswpg::DenseToDense<float, hnswpg::Half>))
HNSWPG_OF_TYPE(halfvec_to_vector, (hnswpg::DenseToDense<hnswpg::Half, float>))
