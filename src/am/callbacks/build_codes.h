// What codes a new index gets, decided from a sample of its table. Private to build.cpp.
#ifndef HNSWPG_AM_CALLBACKS_BUILD_CODES_H_
#define HNSWPG_AM_CALLBACKS_BUILD_CODES_H_

#include "hnswpg/am/am.h"

namespace hnswpg {

// Looks at a sample of the table's vectors. Writes the centre of the codes to `centre`
// (parameters->dim floats) and makes it the book in force, or takes the codes away where
// the index is free to choose and they would not tell the sample's vectors apart. Leaves
// all as it is where the index has no codes, or the table no vectors. Reads some blocks
// of the table; may raise what evaluating the index's expression raises.
void ChooseCodes(Relation heap, Relation rel, IndexInfo* info, IndexParameters* parameters,
                 float* centre);

// More than so many elements that codes do not tell from their neighbours, as a part of
// all: the index does better without codes.
inline constexpr double kTooManyBlind = 1.0 / 16;

}  // namespace hnswpg

#endif  // HNSWPG_AM_CALLBACKS_BUILD_CODES_H_
