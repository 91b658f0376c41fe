#include "foundation/http/parser.hpp"

#include <doctest/doctest.h>

namespace {

using namespace gateway::http;

TEST_CASE("the end of a head is found wherever the pieces were cut") {
  const std::string_view head = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
  for (std::size_t cut = 0; cut <= head.size(); ++cut) {
    const auto first = end_of_head(head.substr(0, cut), 0);
    if (first) {
      CHECK(*first == head.size() - 4);
    } else {
      CHECK(end_of_head(head, cut) == head.size() - 4);
    }
  }
}

TEST_CASE("a request's head is read into its parts") {
  request_head head;
  request_parser parser{{}, head};
  const std::string_view text =
      "POST /v1/a?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nx-own:  v \r\nExpect: 100-continue\r\n\r\n";
  REQUIRE(parser.read_head(text));
  CHECK(head.method == verb::post);
  CHECK(head.target == "/v1/a?x=1");
  CHECK(head.path() == "/v1/a");
  CHECK(head.version == 11);
  CHECK(head.body == framing::length);
  CHECK(head.content_length == 12);
  CHECK(head.keep_alive);
  CHECK(head.expects_continue);
  CHECK(head.fields.get("X-Own") == "v");
  CHECK(head.fields.get(field::host) == "a");
  CHECK_FALSE(head.fields.get("absent"));
}

TEST_CASE("an answer's framing is told from its head") {
  struct row {
    std::string_view text;
    framing body;
    bool keep_alive;
  };
  for (const auto& r :
       {row{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", framing::length, true},
        row{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", framing::none, true},
        row{"HTTP/1.1 204 No Content\r\n\r\n", framing::none, true},
        row{"HTTP/1.1 100 Continue\r\n\r\n", framing::none, true},
        row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", framing::chunked, true},
        row{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n", framing::length, false},
        row{"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", framing::length, false},
        row{"HTTP/1.1 200 OK\r\n\r\n", framing::until_close, false}}) {
    CAPTURE(r.text);
    answer_head head;
    answer_parser parser{{}, head};
    REQUIRE(parser.read_head(r.text));
    CHECK(head.body == r.body);
    CHECK(head.keep_alive == r.keep_alive);
  }
}

TEST_CASE("what is not HTTP is refused") {
  for (const std::string_view text :
       {"hello\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 200 OK\r\nbad header\r\n\r\n"}) {
    answer_head head;
    answer_parser parser{{}, head};
    CHECK_FALSE(parser.read_head(text).has_value());
  }
}

TEST_CASE("more fields than there is room for are refused") {
  std::string text = "HTTP/1.1 200 OK\r\n";
  for (std::size_t i = 0; i <= field_list::capacity; ++i) text += "x-" + std::to_string(i) + ": 1\r\n";
  answer_head head;
  answer_parser parser{{}, head};
  const auto read = parser.read_head(text + "\r\n");
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error() == parse_error::too_many_fields);
}

TEST_CASE("a chunked body is collected however its bytes arrive, and its trailers are left out") {
  const std::string body = "4;ext=1\r\nwiki\r\n6\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nTrailer: x\r\n\r\n";
  for (std::size_t step = 1; step <= body.size(); ++step) {
    CAPTURE(step);
    request_head head;
    request_parser parser{{.head = 1024, .body = 100}, head};
    REQUIRE(parser.read_head("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    std::string collected;
    std::string pending;
    for (std::size_t at = 0; at < body.size(); at += step) {
      pending += body.substr(at, step);
      const auto taken = parser.read_chunked(pending, collected);
      REQUIRE(taken.has_value());
      pending.erase(0, *taken);
    }
    CHECK(parser.finished());
    CHECK(pending == "");
    CHECK(collected == "wikipedia in \r\n\r\nchunks.");
    CHECK(head.fields.get("Trailer") == std::nullopt);
  }
}

TEST_CASE("a chunk beyond the limit is refused before its bytes come") {
  request_head head;
  request_parser parser{{.head = 1024, .body = 10}, head};
  REQUIRE(parser.read_head("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
  std::string collected;
  const auto taken = parser.read_chunked("ffffff\r\n", collected);
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error() == parse_error::body_too_large);
}

}  // namespace
