// One JSON object, written as it is filled, on one line.
#ifndef HNSWPG_BENCH_JSON_H_
#define HNSWPG_BENCH_JSON_H_

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace hnswpg::tools {

class Json {
 public:
  Json& Add(const std::string& name, double value) { return Write(name, Number(value)); }
  Json& Add(const std::string& name, const std::string& value) { return Write(name, Text(value)); }
  Json& Add(const std::string& name, const std::vector<double>& values) {
    std::string list;
    for (double value : values) list += (list.empty() ? "" : ", ") + Number(value);
    return Write(name, "[" + list + "]");
  }
  Json& Add(const std::string& name, const std::vector<std::vector<std::string>>& rows) {
    std::string list;
    for (const auto& row : rows) {
      std::string columns;
      for (const auto& value : row) columns += (columns.empty() ? "" : ", ") + Text(value);
      list += (list.empty() ? "[" : ", [") + columns + "]";
    }
    return Write(name, "[" + list + "]");
  }
  void Print() const {
    std::printf("{%s}\n", body_.c_str());
    std::fflush(stdout);
  }

 private:
  Json& Write(const std::string& name, const std::string& value) {
    body_ += (body_.empty() ? "" : ", ") + Text(name) + ": " + value;
    return *this;
  }
  static std::string Number(double value) {
    if (!std::isfinite(value)) return "null";
    char text[40];
    std::snprintf(text, sizeof text, "%.10g", value);
    return text;
  }
  static std::string Text(const std::string& value) {
    std::string text = "\"";
    for (char c : value) {
      if (c == '"' || c == '\\') {
        text += '\\';
        text += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        char code[8];
        std::snprintf(code, sizeof code, "\\u%04x", c);
        text += code;
      } else {
        text += c;
      }
    }
    return text + "\"";
  }

  std::string body_;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_JSON_H_
