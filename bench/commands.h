// Programs that stay alive over a measurement and do one thing after another as they are told, so
// that several of them can take turns: a command and its "name=value" words on each line of the
// standard input, one JSON object on each line of the standard output. The end of the input ends
// the program.
#ifndef HNSWPG_BENCH_COMMANDS_H_
#define HNSWPG_BENCH_COMMANDS_H_

#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "json.h"
#include "options.h"

namespace hnswpg::tools {

// What a command's words are, and where its answer goes.
using Command = std::function<void(const Options& words, Json* answer)>;

inline void ServeCommands(const std::map<std::string, Command>& commands) {
  for (std::string line; std::getline(std::cin, line);) {
    const size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    const auto found = commands.find(name);
    if (found == commands.end()) Fail("unknown command " + name);
    Json answer;
    // SQL is one word, whatever is in it.
    const std::vector<std::string> words =
        rest.rfind("sql=", 0) == 0 ? std::vector<std::string>{rest} : Split(rest, ' ');
    found->second(Options(words), &answer);
    answer.Print();
  }
}

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_COMMANDS_H_
