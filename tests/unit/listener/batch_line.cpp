#include "listener/batch_line.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace {

using namespace gateway;
using listener::line_splitter;
using listener::read_batch_line;
using is = line_splitter::piece::is;

std::vector<line_splitter::piece> split(std::string_view text, std::size_t piece, std::size_t longest = 8) {
  line_splitter lines{longest};
  std::vector<line_splitter::piece> all;
  const auto take = [&] {
    for (auto next = lines.next(); next.what != is::nothing; next = lines.next()) all.push_back(std::move(next));
  };
  for (std::size_t at = 0; at < text.size(); at += piece) {
    lines.input() += text.substr(at, piece);
    take();
    CHECK(lines.input().size() <= 2 * longest + piece);
    CHECK_FALSE(lines.done());
  }
  lines.end();
  take();
  CHECK(lines.done());
  return all;
}

TEST_CASE("lines are the same however they come, and empty ones only count") {
  for (std::size_t piece = 1; piece < 40; ++piece) {
    CAPTURE(piece);
    const auto all = split("one\r\n\ntwo\n0123456789abcdef\n\r\n12345678\nlast", piece);
    REQUIRE(all.size() == 5);
    CHECK(all[0].text == "one");
    CHECK(all[0].number == 1);
    CHECK(all[1].text == "two");
    CHECK(all[1].number == 3);
    CHECK(all[2].what == is::too_long);
    CHECK(all[2].number == 4);
    CHECK(all[3].text == "12345678");
    CHECK(all[3].number == 6);
    CHECK(all[4].text == "last");
    CHECK(all[4].number == 7);
  }
}

TEST_CASE("the longest line may end as every other one") {
  for (std::size_t piece = 1; piece < 40; ++piece) {
    CAPTURE(piece);
    const auto all = split("12345678\r\n123456789\r\n1234567\r\r\n12345678\rx\n12345678\n12345678\r", piece);
    REQUIRE(all.size() == 6);
    CHECK(all[0].text == "12345678");
    CHECK(all[1].what == is::too_long);
    CHECK(all[2].text == "1234567\r");
    CHECK(all[3].what == is::too_long);
    CHECK(all[4].text == "12345678");
    CHECK(all[5].text == "12345678");
    CHECK(all[5].number == 6);
  }
}

TEST_CASE("a stream of nothing has no lines") {
  CHECK(split("", 1).empty());
  CHECK(split("\n\r\n\n", 1).empty());
}

TEST_CASE("the body is what stands there, byte for byte, wherever it stands and however its name is written") {
  json::scanner scanner;
  for (const std::string_view line :
       {R"({"idempotency_key":"a:\"}{","body":{"x":[1.50,"}\\"],"y":{"body":{}}}})",
        R"({"b\u006fdy":{"x":[1.50,"}\\"],"y":{"body":{}}},"idempotency_key":"a:\"}{"})"}) {
    CAPTURE(line);
    const auto read = read_batch_line(line, true, scanner);
    REQUIRE(read.has_value());
    CHECK(read->key == "a:\"}{");
    CHECK(read->body == R"({"x":[1.50,"}\\"],"y":{"body":{}}})");
  }
}

TEST_CASE("what is wrong with a line is said as of a single creation") {
  json::scanner scanner;
  const auto problem_of = [&](std::string_view line, bool needs_key = false) {
    const auto read = read_batch_line(line, needs_key, scanner);
    REQUIRE_FALSE(read.has_value());
    return read.error().id;
  };
  using errors::problem;
  CHECK(read_batch_line(R"({"body":{}})", false, scanner).has_value());
  CHECK(problem_of(R"({"body":{}})", true) == problem::idempotency_key_missing);
  CHECK(problem_of(R"({"idempotency_key":7,"body":{}})") == problem::malformed_request);
  CHECK(problem_of(R"({"idempotency_key":"ä","body":{}})") == problem::malformed_request);
  CHECK(problem_of(R"({"idempotency_key":")" + std::string(256, 'k') + R"(","body":{}})") ==
        problem::malformed_request);
  CHECK(problem_of(R"({"body":{},"body":{}})") == problem::malformed_request);
  CHECK(problem_of(R"([])") == problem::malformed_request);
  CHECK(problem_of(R"({"body":[]})") == problem::validation_failed);
  CHECK(problem_of(R"({})") == problem::validation_failed);
  CHECK(problem_of(R"({"body":{},"key":"k"})") == problem::validation_failed);
}

}  // namespace
