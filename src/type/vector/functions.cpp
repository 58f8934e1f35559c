// The functions of the SQL type vector.
#include "type/common/functions.h"

HNSWPG_DENSE_FUNCTIONS(vector, float)
