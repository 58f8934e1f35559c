// Every interleaving of a few processes, each of which takes its steps in order. A step is what
// happens under one lock. A model says what the protocol's guards are for: with all of them no
// order of steps breaks the promise, and with any one taken out some order does.
#ifndef HNSWPG_TEST_UNIT_MODEL_EXPLORE_H_
#define HNSWPG_TEST_UNIT_MODEL_EXPLORE_H_

#include <functional>
#include <set>
#include <vector>

namespace hnswpg {

// Visits each state that can be reached once. `next` gives the states that follow.
template <class State>
class Explorer {
 public:
  using Next = std::function<std::vector<State>(const State&)>;

  explicit Explorer(Next next) : next_(std::move(next)) {}

  // Whether a state can be reached in which this holds.
  bool Reaches(const State& first, const std::function<bool(const State&)>& bad) {
    std::vector<State> open = {first};
    std::set<State> seen = {first};
    while (!open.empty()) {
      const State state = open.back();
      open.pop_back();
      if (bad(state)) return true;
      for (const State& next : next_(state)) {
        if (seen.insert(next).second) open.push_back(next);
      }
    }
    n_states_ = seen.size();
    return false;
  }
  size_t n_states() const { return n_states_; }  // of the last call, where it returned false

 private:
  Next next_;
  size_t n_states_ = 0;
};

}  // namespace hnswpg

#endif  // HNSWPG_TEST_UNIT_MODEL_EXPLORE_H_
