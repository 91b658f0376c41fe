#include "store/redis/reply_reader.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace gateway::store::redis {
namespace {

// All replies that come out of the bytes, fed in pieces of that size; an error as its text.
std::vector<std::expected<reply, std::string>> read(std::string_view bytes, std::size_t piece,
                                                    reply_limits limits = {}) {
  reply_reader reader{limits};
  std::vector<std::expected<reply, std::string>> all;
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    reader.feed(part);
    for (;;) {
      auto next = reader.next();
      if (!next) {
        all.emplace_back(std::unexpect, next.error());
        return all;
      }
      if (!*next) break;
      all.emplace_back(std::move(**next));
    }
  }
  return all;
}

std::string failure_of(std::string_view bytes, reply_limits limits = {}) {
  const auto all = read(bytes, bytes.size(), limits);
  REQUIRE(!all.empty());
  REQUIRE(!all.back());
  return all.back().error();
}

constexpr std::string_view every_kind =
    "+OK\r\n-ERR no\r\n:-42\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n"
    "*4\r\n:1\r\n*2\r\n$1\r\nx\r\n-MISCONF inner\r\n$-1\r\n+fine\r\n";

TEST_CASE("Replies of every kind come out the same, however the bytes are cut") {
  for (std::size_t piece = 1; piece <= every_kind.size(); ++piece) {
    CAPTURE(piece);
    const auto all = read(every_kind, piece);
    REQUIRE(all.size() == 9);
    CHECK(*all[0] == reply::status("OK"));
    CHECK(*all[1] == reply::error("ERR no"));
    CHECK(*all[2] == reply::integer(-42));
    CHECK(*all[3] == reply::bulk("a\r\nbc"));
    CHECK(*all[4] == reply::bulk(""));
    CHECK(*all[5] == reply{});
    CHECK(*all[6] == reply{});
    CHECK(*all[7] == reply::array({}));
    CHECK(*all[8] == reply::array({reply::integer(1), reply::array({reply::bulk("x"), reply::error("MISCONF inner")}),
                                   reply{}, reply::status("fine")}));
  }
}

TEST_CASE("Nothing comes of a reply whose end is missing, and no memory is lost with it") {
  for (std::size_t size = 0; size < every_kind.size(); ++size) {
    CAPTURE(size);
    for (const auto& each : read(every_kind.substr(0, size), 7)) CHECK(each.has_value());
  }
}

TEST_CASE("What is not RESP2 is an error, and stays one") {
  CHECK(failure_of("HTTP/1.1 400 Bad Request\r\n").starts_with("not RESP2"));
  CHECK(failure_of(":12a\r\n").starts_with("not RESP2"));
  CHECK(failure_of("%1\r\n+a\r\n+b\r\n").starts_with("not RESP2"));
  CHECK(failure_of("$-2\r\n").starts_with("not RESP2"));

  reply_reader reader;
  reader.feed("?\r\n");
  CHECK(!reader.next());
  reader.feed("+OK\r\n");
  CHECK(!reader.next());
}

TEST_CASE("Arrays are not nested without bound") {
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += "*1\r\n";
  CHECK(failure_of(deep + ":1\r\n").starts_with("not RESP2"));
  CHECK(read("*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", 100).at(0).has_value());
}

TEST_CASE("A reply that announces too many elements is refused before memory is set aside for them") {
  CHECK(failure_of("*2147483647\r\n") == "a reply has more elements than allowed");
  CHECK(failure_of("*2\r\n*2\r\n:1\r\n:2\r\n*2\r\n", {.elements = 5}) == "a reply has more elements than allowed");
  // Counted for each reply anew.
  const auto two = read("*2\r\n:1\r\n:2\r\n*2\r\n:1\r\n:2\r\n", 100, {.elements = 3});
  CHECK(two.size() == 2);
  CHECK(two.back().has_value());
}

TEST_CASE("A reply that goes on for too long is refused, a short one behind many others is not") {
  CHECK(failure_of("$100\r\n" + std::string(90, 'x'), {.bytes = 64}) == "a reply is larger than allowed");
  std::string many;
  for (int i = 0; i < 100; ++i) many += "+OK\r\n";
  CHECK(read(many, 1000, {.bytes = 64}).size() == 100);
  CHECK(read(many, 3, {.bytes = 64}).size() == 100);
}

TEST_CASE("A number is an integer, or a text that is one and nothing else") {
  CHECK(reply::integer(7).number() == 7);
  CHECK(reply::bulk("-9007199254740993").number() == -9007199254740993);
  CHECK(!reply::bulk("7 ").number());
  CHECK(!reply::bulk("").number());
  CHECK(!reply::bulk("99999999999999999999").number());
  CHECK(!reply{}.number());
  CHECK(!reply::error("7").number());
}

TEST_CASE("An element that is not there is a nil") {
  const auto two = reply::array({reply::integer(1), reply::bulk("b")});
  CHECK(two[1].text() == "b");
  CHECK(two[2].is_nil());
  CHECK(reply::integer(1)[0].is_nil());
}

}  // namespace
}  // namespace gateway::store::redis
