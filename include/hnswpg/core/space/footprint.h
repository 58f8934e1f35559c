// How many bytes an element takes, which is all that the layout of an index has to know of
// vectors and codes.
#ifndef HNSWPG_CORE_SPACE_FOOTPRINT_H_
#define HNSWPG_CORE_SPACE_FOOTPRINT_H_

#include <cstdint>

namespace hnswpg {

// What an element takes in the file, beside what every element has.
struct Footprint {
  uint32_t payload_bytes;  // of its code, in the slot; a multiple of 4 where it is cut
  uint32_t exact_bytes;    // of its vector, on vector pages; 0: the payload is the vector
  uint32_t book_bytes;     // of what all codes have in common, once for the index; or 0
  bool operator==(const Footprint&) const = default;
};

}  // namespace hnswpg

#endif  // HNSWPG_CORE_SPACE_FOOTPRINT_H_
