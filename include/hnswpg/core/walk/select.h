// Which of the candidates become neighbours: the heuristic of Malkov and
// Yashunin (2016, algorithm 4, as hnswlib has it): a candidate is taken if it is
// nearer to the base element than to every neighbour taken before it, so that
// links go into different directions.
#ifndef HNSWPG_CORE_WALK_SELECT_H_
#define HNSWPG_CORE_WALK_SELECT_H_

namespace hnswpg {

// Chooses at most `max` of `n` candidates, which are given by index in ascending
// order of their distance to the base, and writes the indexes chosen, ascending,
// to `chosen`; returns their number. Fewer candidates than `max` are all chosen.
//
//   float to_base(int i)         distance of candidate i to the base
//   float between(int i, int j)  distance of two candidates
//   bool required(int i)         must be chosen (at most `max` are)
template <class ToBase, class Between, class Required>
int SelectNeighbours(int n, int max, ToBase to_base, Between between, Required required,
                     int* chosen) {
  int still_required = 0;
  for (int i = 0; i < n; i++) still_required += required(i);
  int taken = 0;
  for (int i = 0; i < n && taken < max; i++) {
    bool take = n < max || required(i);
    if (take) {
      still_required -= required(i);
    } else if (taken + still_required < max) {
      take = true;
      for (int j = 0; j < taken && take; j++) take = between(chosen[j], i) >= to_base(i);
    }
    if (take) chosen[taken++] = i;
  }
  return taken;
}

}  // namespace hnswpg

#endif  // HNSWPG_CORE_WALK_SELECT_H_
