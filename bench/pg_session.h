// A connection to the server under measurement: SQL in, text out, rows of vectors by COPY or by
// prepared statements. The environment (PGHOST, ...) says which server. A failure ends the program
// with a message, except where a function says that it returns it.
#ifndef HNSWPG_BENCH_PG_SESSION_H_
#define HNSWPG_BENCH_PG_SESSION_H_

#include <endian.h>
#include <libpq-fe.h>

#include <bit>
#include <string>
#include <vector>

#include "../test/oracle/vector_file.h"
#include "timing.h"

namespace hnswpg::tools {

// Values in their binary wire format.
class Parameters {
 public:
  static void Append(uint32_t value, int bytes, std::string* buffer) {
    const uint32_t big = htobe32(value);
    buffer->append(reinterpret_cast<const char*>(&big) + 4 - bytes, bytes);
  }
  static void Append(const float* vector, size_t dim, std::string* buffer) {
    Append(static_cast<uint32_t>(dim), 2, buffer);
    Append(0, 2, buffer);
    for (size_t d = 0; d < dim; d++) Append(std::bit_cast<uint32_t>(vector[d]), 4, buffer);
  }

  Parameters& Add(int32_t value) {
    Append(static_cast<uint32_t>(value), 4, &values_.emplace_back());
    return *this;
  }
  Parameters& Add(const float* vector, size_t dim) {
    values_.emplace_back().reserve(4 + 4 * dim);
    Append(vector, dim, &values_.back());
    return *this;
  }
  const std::vector<std::string>& values() const { return values_; }

 private:
  std::vector<std::string> values_;
};

class PgSession {
 public:
  PgSession() : connection_(PQconnectdb("")) {
    if (PQstatus(connection_) != CONNECTION_OK) Fail(PQerrorMessage(connection_));
    PQsetNoticeProcessor(connection_, TakeNotice, this);
  }
  ~PgSession() { PQfinish(connection_); }
  PgSession(const PgSession&) = delete;
  PgSession& operator=(const PgSession&) = delete;

  int backend_pid() const { return PQbackendPID(connection_); }

  void Run(const std::string& sql) { PQclear(Execute(sql)); }

  // The first column of the first row.
  std::string Value(const std::string& sql) {
    PGresult* result = Execute(sql);
    if (PQntuples(result) < 1) Fail("no row from: " + sql);
    std::string value = PQgetvalue(result, 0, 0);
    PQclear(result);
    return value;
  }

  // All rows, and the first column of all of them as one text.
  std::vector<std::vector<std::string>> Rows(const std::string& sql) {
    PGresult* result = Execute(sql);
    std::vector<std::vector<std::string>> rows(PQntuples(result));
    for (size_t i = 0; i < rows.size(); i++) {
      for (int column = 0; column < PQnfields(result); column++) {
        rows[i].push_back(PQgetvalue(result, static_cast<int>(i), column));
      }
    }
    PQclear(result);
    return rows;
  }
  std::string Text(const std::string& sql) {
    std::string text;
    for (const auto& row : Rows(sql)) text += row.at(0) + "\n";
    return text;
  }

  // Rows of two integers.
  std::vector<std::pair<int32_t, int32_t>> Pairs(const std::string& sql) {
    PGresult* result = Execute(sql);
    std::vector<std::pair<int32_t, int32_t>> pairs(PQntuples(result));
    for (size_t i = 0; i < pairs.size(); i++) {
      const int row = static_cast<int>(i);
      pairs[i] = {std::stoi(PQgetvalue(result, row, 0)), std::stoi(PQgetvalue(result, row, 1))};
    }
    PQclear(result);
    return pairs;
  }

  void Prepare(const std::string& name, const std::string& sql) {
    PQclear(Check(PQprepare(connection_, name.c_str(), sql.c_str(), 0, nullptr), sql));
  }
  // Runs a prepared statement. Returns the server's message if it fails, else nothing.
  std::string Call(const std::string& name, const Parameters& parameters) {
    constexpr int kMax = 4;
    const char* values[kMax];
    int lengths[kMax], formats[kMax];
    const int n = static_cast<int>(parameters.values().size());
    if (n > kMax) Fail("too many parameters for " + name);
    for (int i = 0; i < n; i++) {
      values[i] = parameters.values()[i].data();
      lengths[i] = static_cast<int>(parameters.values()[i].size());
      formats[i] = 1;
    }
    PGresult* result =
        PQexecPrepared(connection_, name.c_str(), n, values, lengths, formats, /*binary*/ 1);
    std::string message = Succeeded(result) ? "" : PQerrorMessage(connection_);
    PQclear(result);
    return message;
  }

  // Runs a prepared statement of one binary parameter; returns the number of rows, all in binary.
  size_t CallBinary(const char* name, const std::string& parameter) {
    const char* value = parameter.data();
    const int length = static_cast<int>(parameter.size()), format = 1;
    PGresult* result = PQexecPrepared(connection_, name, 1, &value, &length, &format, 1);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) Fail(PQerrorMessage(connection_));
    const size_t rows = PQntuples(result);
    PQclear(result);
    return rows;
  }

  // What the server remarked so far (NOTICE, WARNING).
  const std::string& notices() const { return notices_; }
  void ForgetNotices() { notices_.clear(); }
  // From now on a remark of the server cancels the statement it belongs to.
  void CancelAtNotice() { cancel_at_notice_ = true; }
  // Runs what may be cancelled; any other failure ends the program.
  void RunCancelled(const std::string& sql) {
    PGresult* result = PQexec(connection_, sql.c_str());
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!Succeeded(result) && (state == nullptr || std::string(state) != "57014")) {
      Fail(PQerrorMessage(connection_));
    }
    PQclear(result);
  }

  // Fills a table (id int, v vector); ids are positions, counted from `first_id`.
  void Load(const std::string& table, const Vectors& rows, size_t first_id = 0) {
    PGresult* result =
        PQexec(connection_, ("COPY " + table + " FROM STDIN (FORMAT binary)").c_str());
    if (PQresultStatus(result) != PGRES_COPY_IN) Fail(PQerrorMessage(connection_));
    PQclear(result);
    std::string buffer("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    for (size_t i = 0; i < rows.n(); i++) {
      AppendRow(static_cast<uint32_t>(first_id + i), rows.row(i), rows.dim, &buffer);
      if (buffer.size() > 1 << 16) Send(&buffer);
    }
    buffer.append("\377\377", 2);
    Send(&buffer);
    if (PQputCopyEnd(connection_, nullptr) != 1) Fail(PQerrorMessage(connection_));
    result = PQgetResult(connection_);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) Fail(PQerrorMessage(connection_));
    PQclear(result);
    while ((result = PQgetResult(connection_)) != nullptr) PQclear(result);
  }

 private:
  static void TakeNotice(void* self, const char* message) {
    PgSession* session = static_cast<PgSession*>(self);
    session->notices_ += message;
    if (!session->cancel_at_notice_) return;
    char error[256];
    PGcancel* cancel = PQgetCancel(session->connection_);
    PQcancel(cancel, error, sizeof error);
    PQfreeCancel(cancel);
  }
  static bool Succeeded(const PGresult* result) {
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  }
  PGresult* Check(PGresult* result, const std::string& sql) {
    if (!Succeeded(result)) Fail(std::string(PQerrorMessage(connection_)) + "in: " + sql);
    return result;
  }
  PGresult* Execute(const std::string& sql) { return Check(PQexec(connection_, sql.c_str()), sql); }

  static void AppendRow(uint32_t id, const float* vector, size_t dim, std::string* buffer) {
    Parameters::Append(2, 2, buffer);
    Parameters::Append(4, 4, buffer);
    Parameters::Append(id, 4, buffer);
    Parameters::Append(static_cast<uint32_t>(4 + 4 * dim), 4, buffer);
    Parameters::Append(vector, dim, buffer);
  }
  void Send(std::string* buffer) {
    if (PQputCopyData(connection_, buffer->data(), static_cast<int>(buffer->size())) != 1) {
      Fail(PQerrorMessage(connection_));
    }
    buffer->clear();
  }

  PGconn* connection_;
  std::string notices_;
  bool cancel_at_notice_ = false;
};

}  // namespace hnswpg::tools

#endif  // HNSWPG_BENCH_PG_SESSION_H_
