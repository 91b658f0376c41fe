#include "listener/request_guard.hpp"

#include <doctest/doctest.h>

namespace {

using namespace gateway;
using namespace gateway::listener;

const guard_limits limits{.head = 1024, .target = 100};

std::string verdict(std::string_view head) {
  const auto found = inspect_head(head, limits);
  return found ? std::string{errors::row(found->id).name} : "fine";
}

TEST_CASE("ordinary requests pass") {
  for (const std::string_view head :
       {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /v1/x?y=%20 HTTP/1.1\r\nhost: a:1\r\nContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \ta\tb \r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: caf\xc3\xa9\r\n\r\n"}) {
    CAPTURE(head);
    CHECK(verdict(head) == "fine");
  }
}

TEST_CASE("what two implementations may read differently is refused") {
  for (const std::string_view head :
       {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\nb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /\r\nHost: a\r\n\r\n",
        "G<T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    CAPTURE(head);
    CHECK(verdict(head) == "malformed-request");
  }
  CHECK(verdict({"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 35}) == "malformed-request");
}

TEST_CASE("a field of a head that was refused is found where its line is whole") {
  CHECK(find_field("GET / HTTP/1.1\r\nx: 1\r\nX-ID: \ta b \r\nX-Id: c\r\n\r\n", "X-Id") == "a b");
  CHECK(find_field("nonsense\r\nno colon\r\n folded\r\nX-Id:a\r\n", "X-Id") == "a");
  CHECK(find_field("GET / HTTP/1.1\r\nX-Id:\r\nX:", "X-Id") == "");
  for (const std::string_view without :
       {"", "X-Id: a\r\n", "GET / HTTP/1.1\r\nX-Id: a", "GET / HTTP/1.1\r\nX-Id: a\r", "GET / HTTP/1.1\r\nX-Id\r\n",
        "GET / HTTP/1.1\r\nX-Idx: a\r\n", "GET / HTTP/1.1\r\nX-Id : a\r\n", "GET / HTTP/1.1\r\n\r\nX-Id: a\r\n"}) {
    CAPTURE(without);
    CHECK_FALSE(find_field(without, "X-Id"));
  }
}

TEST_CASE("heads and targets beyond their limits have their own problems") {
  CHECK(verdict("GET /" + std::string(100, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n") == "uri-too-long");
  CHECK(verdict("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1000, 'a') + "\r\n\r\n") == "headers-too-large");
}

TEST_CASE("bytes that can never become a request are refused as soon when they come one by one") {
  for (const std::string_view bytes : {"GET / HTTP/1.1\r\nX: a\rY", "GET / HTTP/1.1\rX", "GET / HTTP/1.1\r\nX: a\n"}) {
    CAPTURE(bytes);
    for (std::size_t there = 1; there < bytes.size(); ++there)
      CHECK_FALSE(inspect_beginning(bytes.substr(0, there), limits, there - 1));
    CHECK(inspect_beginning(bytes, limits, bytes.size() - 1));
  }
}

TEST_CASE("bytes that can never become a request are refused at once") {
  const auto beginning = [](std::string_view bytes) {
    const auto found = inspect_beginning(bytes, limits);
    return found ? std::string{errors::row(found->id).name} : "fine";
  };
  CHECK(beginning("G") == "fine");
  CHECK(beginning("GET /abc") == "fine");
  CHECK(beginning("\x16\x03\x01\x02") == "malformed-request");
  CHECK(beginning(std::string(40, 'A')) == "malformed-request");
  CHECK(beginning("GET /" + std::string(200, 'a')) == "uri-too-long");
  const auto longest =
      std::string(32, 'M') + " /" + std::string(limits.target - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  CHECK(verdict(longest) == "fine");
  for (std::size_t cut = 0; cut < longest.size(); ++cut) CHECK(beginning(longest.substr(0, cut)) == "fine");
  CHECK(beginning("GET / HTTP/1.1\r\nX: a\nY") == "malformed-request");
  CHECK(beginning("GET / HTTP/1.1\r\nX: a\rY") == "malformed-request");
  CHECK(beginning("GET / HTTP/1.1\nHost") == "malformed-request");
  CHECK(beginning("GET /a#b HTTP/1.1\r\n") == "malformed-request");
  // Whole or not yet.
  CHECK(verdict(std::string(33, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n") == "malformed-request");
  CHECK(verdict(std::string(32, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n") ==
        verdict("PUT / HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(beginning("GET / HTTP/1.1\r\nX: " + std::string(1020, 'a')) == "headers-too-large");
}

}  // namespace
