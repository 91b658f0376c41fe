#include "foundation/http/chunks.hpp"

#include <doctest/doctest.h>

namespace {

using namespace gateway::http;

struct decoded {
  std::string body;
  std::string rest;
  std::string verdict;  // "done", "more", "malformed", "too large"
};

// However the bytes arrive: `step` at a time.
decoded decode(std::string_view bytes, std::size_t step, std::size_t limit = 1000) {
  chunk_reader reader;
  reader.limit(limit);
  decoded out;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    out.rest += bytes.substr(at, step);
    const auto taken = reader.read(out.rest, out.body);
    if (!taken) {
      out.verdict = taken.error() == chunk_error::malformed ? "malformed" : "too large";
      return out;
    }
    out.rest.erase(0, *taken);
  }
  out.verdict = reader.finished() ? "done" : "more";
  return out;
}

TEST_CASE("chunks are put together, and what follows them is left") {
  for (const std::string_view bytes :
       {"5\r\nhello\r\n0\r\n\r\nGET", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nGET", "005\r\nhello\r\n000\r\n\r\nGET",
        "5;a\r\nhello\r\n0;b=1\r\n\r\nGET", "5;a=1;b=\"2;\\\"3\"\r\nhello\r\n0\r\n\r\nGET",
        "5 ; a = 1\t; b\r\nhello\r\n0\r\n\r\nGET", "5\r\nhello\r\n0\r\nX-A: 1\r\nX-B:\r\n\r\nGET",
        "0000000000000005\r\nhello\r\n0\r\n\r\nGET"}) {
    CAPTURE(bytes);
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
      const auto got = decode(bytes, step);
      CHECK(got.verdict == "done");
      CHECK(got.body == "hello");
      CHECK(got.rest.ends_with("GET"));
      if (step == bytes.size()) CHECK(got.rest == "GET");
    }
  }
}

TEST_CASE("sizes are hexadecimal in either case") {
  CHECK(decode("a\r\n0123456789\r\n0\r\n\r\n", 1).body == "0123456789");
  CHECK(decode("A\r\n0123456789\r\n0\r\n\r\n", 100).body == "0123456789");
}

TEST_CASE("what another reader may take for another end is refused, however it arrives") {
  for (const std::string& bytes : std::initializer_list<std::string>{"x\r\n",
                                                                     "\r\n",
                                                                     "-1\r\n",
                                                                     "+1\r\n",
                                                                     "0x1\r\n",
                                                                     " 1\r\n",
                                                                     "1 \r\n",
                                                                     "1\n",
                                                                     "1\r1",
                                                                     "1;\r\n",
                                                                     "1;=\r\n",
                                                                     "1;a=\r\n",
                                                                     "1;a b\r\n",
                                                                     "1;a=\"\r\n\"",
                                                                     "1;a=\"\\\r\n",
                                                                     "1;a=\"\n\"\r\n",
                                                                     "1 a\r\n",
                                                                     std::string("1;a=\"\0\"\r\n", 9),
                                                                     "00000000000000001\r\n",
                                                                     "1\r\naX",
                                                                     "1\r\na\n",
                                                                     "1\r\na\r\r",
                                                                     "1\r\nab\r\n",
                                                                     "0\r\nX\r\n",
                                                                     "0\r\n: 1\r\n",
                                                                     "0\r\nX : 1\r\n",
                                                                     "0\r\n X: 1\r\n",
                                                                     "0\r\nX: 1\n",
                                                                     "0\r\nContent-length: 1\r\n",
                                                                     "0\r\ntransfer-encoding: chunked\r\n",
                                                                     "0\r\nHOST: a\r\n"}) {
    CAPTURE(bytes);
    for (std::size_t step = 1; step <= bytes.size(); ++step) CHECK(decode(bytes, step).verdict == "malformed");
  }
}

TEST_CASE("content beyond the limit is refused before it comes, also in small pieces") {
  CHECK(decode("b\r\n", 1, 10).verdict == "too large");
  CHECK(decode("ffffffffffffffff\r\n", 1, 10).verdict == "too large");
  CHECK(decode("5\r\nhello\r\n6\r\n", 1, 10).verdict == "too large");
  CHECK(decode("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", 1, 10).verdict == "done");
}

TEST_CASE("what is not content is bounded: lines, and all of them together") {
  CHECK(decode("1;a=" + std::string(chunk_reader::longest_line, 'x'), 512).verdict == "malformed");
  CHECK(decode("0\r\nX: " + std::string(chunk_reader::longest_line, 'x'), 512).verdict == "malformed");
  std::string trailers = "0\r\n";
  while (trailers.size() < chunk_reader::most_overhead + 10) trailers += "X: 0123456789\r\n";
  CHECK(decode(trailers, 512).verdict == "malformed");
  std::string crumbs;
  while (crumbs.size() < 2 * chunk_reader::most_overhead) crumbs += "1;a=0123456789\r\nx\r\n";
  CHECK(decode(crumbs, 512, 1000 * 1000).verdict == "malformed");
  std::string small;
  while (small.size() < 10 * chunk_reader::most_overhead) small += "1\r\nx\r\n";
  CHECK(decode(small + "0\r\n\r\n", 512, 1000 * 1000).verdict == "done");
}

TEST_CASE("a body that is not all there waits for more") {
  const std::string_view bytes = "5;a=1\r\nhello\r\n0\r\nX: 1\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK(decode(bytes.substr(0, size), 1).verdict != "done");
  for (std::size_t size = 1; size < bytes.size(); ++size) CHECK(decode(bytes.substr(0, size), 1).verdict == "more");
}

}  // namespace
