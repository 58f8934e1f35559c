// The command lines of the measuring programs: --name value, and flags without a value. A name that
// a program does not know, or a value that is missing, ends it with a message.
#ifndef HNSWPG_BENCH_OPTIONS_H_
#define HNSWPG_BENCH_OPTIONS_H_

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "../test/oracle/vector_file.h"

namespace hnswpg::tools {

inline std::vector<std::string> Split(const std::string& text, char separator = ',') {
  std::vector<std::string> items;
  std::istringstream stream(text);
  for (std::string item; std::getline(stream, item, separator);) items.push_back(item);
  return items;
}

// Values by their names.
class Options {
 public:
  // `names` take a value, `flags` do not; both are written without the dashes.
  Options(int argc, char** argv, const std::vector<std::string>& names,
          const std::vector<std::string>& flags = {}) {
    for (int i = 1; i < argc; i++) {
      const std::string name = WithoutDashes(argv[i]);
      if (Contains(flags, name)) {
        values_[name] = "yes";
        continue;
      }
      if (!Contains(names, name)) Fail("unknown option " + std::string(argv[i]));
      if (i + 1 == argc) Fail("no value for --" + name);
      values_[name] = argv[++i];
    }
  }
  // From "name=value" words.
  explicit Options(const std::vector<std::string>& words) {
    for (const std::string& word : words) {
      const size_t equal = word.find('=');
      if (equal == std::string::npos) Fail("not name=value: " + word);
      values_[word.substr(0, equal)] = word.substr(equal + 1);
    }
  }

  bool Has(const std::string& name) const { return values_.count(name) > 0; }
  std::string Text(const std::string& name, const std::string& otherwise = "") const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }
  double Number(const std::string& name, double otherwise) const {
    return Has(name) ? std::stod(Text(name)) : otherwise;
  }
  size_t Count(const std::string& name, size_t otherwise) const {
    return Has(name) ? std::stoul(Text(name)) : otherwise;
  }
  std::vector<std::string> List(const std::string& name) const { return Split(Text(name)); }
  std::vector<size_t> Counts(const std::string& name, std::vector<size_t> otherwise = {}) const {
    if (!Has(name)) return otherwise;
    std::vector<size_t> counts;
    for (const std::string& item : List(name)) counts.push_back(std::stoul(item));
    return counts;
  }

 private:
  static bool Contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  static std::string WithoutDashes(const std::string& argument) {
    if (argument.rfind("--", 0) != 0) Fail("an option begins with --, not " + argument);
    return argument.substr(2);
  }

  std::map<std::string, std::string> values_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_OPTIONS_H_
