#include "store/slots.hpp"

#include <doctest/doctest.h>

namespace {

using namespace gateway;
using namespace std::chrono_literals;

constexpr time::instant start{1h};
constexpr std::size_t portal = 0;
constexpr std::size_t batch = 1;

TEST_CASE("a slot is held from when it is taken until its time is over") {
  store::slot_book book{2, 15min};
  book.take(portal, 0, start);
  book.take(batch, 0, start + 1min);
  CHECK(book.next_free(start + 2min) == start + 15min);
  book.expire(start + 15min - 1ns);
  CHECK(book.held().size() == 2);
  book.expire(start + 15min);
  CHECK(book.held().size() == 1);
  CHECK(book.next_free(start + 15min) == start + 15min);
}

TEST_CASE("where a slot lives shorter from now on, those of before hold back nobody's end") {
  store::slot_book book{2, 120s};
  book.take(portal, 0, start);
  book.resize(2, 2s);
  book.take(portal, 0, start + 1s);
  CHECK(book.held().front().until == start + 3s);
  CHECK(book.next_free(start + 2s) == start + 3s);
  CHECK(book.next_below(2, portal, 0, start + 2s) == start + 3s);
  CHECK(book.next_below(1, portal, 0, start + 2s) == start + 120s);
  book.expire(start + 3s);
  CHECK(book.held().size() == 1);
  CHECK(book.held().front().until == start + 120s);
  CHECK(book.next_free(start + 3s) == start + 3s);
}

TEST_CASE("a shared slot is free once every holder gave it back") {
  store::slot_book book{1, 15min};
  const auto id = book.take(portal, 0, start);
  CHECK_FALSE(book.share("s1", batch));
  book.bind(id, "s1");
  CHECK(book.share("s1", batch));
  CHECK(book.share("s1", batch));
  CHECK(book.give_back("s1", portal));
  CHECK(book.held().size() == 1);
  CHECK_FALSE(book.give_back("s1", portal));
  CHECK(book.give_back("s1", batch));
  CHECK(book.held().empty());
  CHECK_FALSE(book.give_back("s1", batch));
}

TEST_CASE("a completed session frees its slot whoever holds it, once") {
  store::slot_book book{1, 15min};
  book.bind(book.take(portal, 0, start), "s1");
  book.share("s1", batch);
  CHECK(book.free("s1"));
  CHECK_FALSE(book.free("s1"));
  CHECK(book.held().empty());
}

TEST_CASE("a slot whose session is not known belongs to no session") {
  store::slot_book book{2, 15min};
  book.take(portal, 0, start);
  CHECK(book.of_session("") == nullptr);
  CHECK_FALSE(book.free(""));
}

TEST_CASE("how many a caller holds on an account, and when it holds fewer") {
  store::slot_book book{5, 15min};
  book.take(portal, 0, start);
  book.take(portal, 0, start + 1min);
  book.take(portal, 1, start + 2min);
  book.take(batch, 0, start + 3min);
  const auto now = start + 4min;
  CHECK(book.held_by(portal, 0) == 2);
  CHECK(book.next_below(3, portal, 0, now) == now);
  CHECK(book.next_below(2, portal, 0, now) == start + 15min);
  CHECK(book.next_below(1, portal, 0, now) == start + 16min);
}

}  // namespace
