#include "store/history.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace {

using namespace gateway;
using namespace std::chrono_literals;

constexpr time::instant start{1h};

store::history sent_at(std::size_t largest, std::initializer_list<time::duration> instants) {
  store::history h{largest};
  for (const auto at : instants) {
    h.draw();
    h.sent(start + at);
  }
  return h;
}

TEST_CASE("as many instants are remembered as the largest window needs") {
  const auto h = sent_at(3, {1s, 2s, 3s, 4s});
  CHECK(h.remembered() == 3);
  CHECK(h.newest(1) == start + 4s);
  CHECK(h.newest(3) == start + 2s);
}

TEST_CASE("instants are in order, whichever is heard of first") {
  const auto h = sent_at(3, {5s, 3s, 4s, 1s});
  CHECK(h.newest(1) == start + 5s);
  CHECK(h.newest(2) == start + 4s);
  CHECK(h.newest(3) == start + 3s);
}

TEST_CASE("what is no longer remembered cannot be forgotten in another's place") {
  auto h = sent_at(1, {1s, 20s});
  h.forget(start + 1s);
  CHECK(h.remembered() == 1);
}

TEST_CASE("what had no effect is forgotten, the rest stays") {
  auto h = sent_at(10, {1s, 2s, 3s});
  h.forget(start + 2s);
  CHECK(h.remembered() == 2);
  CHECK(h.newest(1) == start + 3s);
  CHECK(h.newest(2) == start + 1s);
}

TEST_CASE("a permit that is given back leaves nothing") {
  store::history h{1};
  h.draw();
  CHECK(h.outstanding() == 1);
  h.give_back();
  CHECK(h.outstanding() == 0);
  CHECK(h.remembered() == 0);
}

TEST_CASE("how many were sent since an instant, which itself does not count") {
  const auto h = sent_at(10, {1s, 2s, 2s, 3s});
  std::size_t lately = 0;
  CHECK(h.since(start, lately) == 4);
  CHECK(h.since(start + 2s, lately) == 1);
  CHECK(h.since(start + 3s, lately) == 0);
}

TEST_CASE("how many were sent since an instant is the same wherever the ring begins in memory") {
  for (int sent = 1; sent <= 20; ++sent) {
    store::history h{8};
    for (int i = 1; i <= sent; ++i) {
      h.draw();
      h.sent(start + std::chrono::seconds{i});
    }
    for (int then = 0; then <= sent; ++then) {
      const auto expected = static_cast<std::size_t>(std::min(sent - then, 8));
      // Wherever it begins to look: at what it was, beside it, or at what there has never been.
      for (std::size_t lately = 0; lately <= 10; ++lately) {
        auto found = lately;
        CHECK(h.since(start + std::chrono::seconds{then}, found) == expected);
        CHECK(found == expected);
      }
    }
  }
}

TEST_CASE("what nothing limits is not remembered") {
  CHECK(sent_at(0, {1s, 2s}).remembered() == 0);
}

TEST_CASE("a rate that falls and rises again has lost nothing, and holds nothing back") {
  auto h = sent_at(100, {1s, 2s, 3s, 4s, 5s});
  h.remember(3);
  h.draw();
  h.sent(start + 6s);
  h.remember(100);
  CHECK(h.remembered() == 6);
  CHECK(h.newest(6) == start + 1s);
}

TEST_CASE("what was dropped counts as sent with the last of it, also where a permit was taken back out since") {
  auto h = sent_at(3, {1s, 2s, 3s, 4s, 5s});  // 1s and 2s are gone
  h.forget(start + 4s);
  REQUIRE(h.remembered() == 2);
  h.remember(6);
  CHECK(h.remembered() == 6);
  CHECK(h.newest(2) == start + 3s);
  CHECK(h.newest(3) == start + 2s);
  CHECK(h.newest(6) == start + 2s);
}

TEST_CASE("a window that becomes longer only is told of what was dropped, too") {
  auto h = sent_at(3, {1s, 2s, 3s, 4s});
  h.forget(start + 3s);
  h.remember(3);
  CHECK(h.remembered() == 3);
  CHECK(h.newest(3) == start + 1s);
}

TEST_CASE(
    "where nothing limited, a new limit counts what was sent at the latest it can have been; who sent nothing waits "
    "for nothing") {
  auto h = sent_at(0, {5s, 3s});
  h.remember(2);
  CHECK(h.remembered() == 2);
  CHECK(h.newest(2) == start + 5s);
  store::history unused{0};
  unused.remember(2);
  CHECK(unused.remembered() == 0);
}

TEST_CASE("of a full ring an instant that is older than all of them is dropped, and is known to be") {
  auto h = sent_at(2, {5s, 6s, 1s});
  h.remember(3);
  CHECK(h.newest(3) == start + 1s);
}

}  // namespace
