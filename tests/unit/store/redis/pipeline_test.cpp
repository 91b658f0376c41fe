#include "store/redis/pipeline.hpp"

#include <doctest/doctest.h>

namespace gateway::store::redis {
namespace {

using std::chrono::milliseconds;

struct nobody final : pipeline::asker {
  void answered(pipeline::number, outcome) noexcept override {}
};

const time::instant start{std::chrono::hours{1}};
constexpr pipeline_options options{.patience = milliseconds{500}, .most_outstanding = 3};

TEST_CASE("Replies belong to commands in the order in which they were added") {
  pipeline line{options};
  nobody a;
  nobody b;
  const auto first = line.add("AA", a, start);
  const auto second = line.add("BBB", b, start);
  CHECK(line.offer(100) == "AABBB");
  line.took(5);
  CHECK(!line.wants_to_write());

  auto owed = line.next_owed();
  CHECK(owed->who == &a);
  CHECK(owed->which == first);
  CHECK(owed->written);
  owed = line.next_owed();
  CHECK(owed->who == &b);
  CHECK(owed->which == second);
  CHECK(!line.next_owed());
}

TEST_CASE("A command of which nothing was offered is taken back when its asker leaves") {
  pipeline line{options};
  nobody a;
  nobody b;
  nobody c;
  line.add("AA", a, start);
  const auto second = line.add("BBB", b, start);
  line.add("CCCC", c, start);
  CHECK(line.offer(2) == "AA");
  CHECK(!line.abandon(second));
  CHECK(line.offer(100) == "AACCCC");
  line.took(6);
  CHECK(line.next_owed()->who == &a);
  CHECK(line.next_owed()->who == &c);
  CHECK(line.answered_all());
}

TEST_CASE("A command of which a byte was offered goes out whole, and its reply is dropped in its place") {
  pipeline line{options};
  nobody a;
  nobody b;
  const auto first = line.add("AAAA", a, start);
  line.add("BB", b, start);
  CHECK(line.offer(1) == "A");
  CHECK(line.abandon(first));  // whether the byte was taken or not: TLS may have it
  CHECK(line.offer(100) == "AAAABB");
  line.took(6);
  CHECK(line.next_owed()->who == nullptr);
  CHECK(line.next_owed()->who == &b);
}

TEST_CASE("Positions stay right when commands are taken back between others that were partly sent") {
  pipeline line{options};
  nobody a;
  nobody b;
  nobody c;
  line.add("AA", a, start);
  line.offer(2);
  line.took(1);
  const auto second = line.add("BB", b, start);
  const auto third = line.add("CC", c, start);
  CHECK(!line.abandon(second));
  CHECK(line.offer(2) == "AC");
  CHECK(line.abandon(third));
  line.took(2);
  CHECK(line.offer(10) == "C");
  line.took(1);
  CHECK(line.next_owed()->written);
  CHECK(line.next_owed()->who == nullptr);
}

TEST_CASE("Large commands go out in pieces, and positions stay right behind them") {
  pipeline line{options};
  nobody a;
  nobody b;
  nobody c;
  line.add(std::string(200'000, 'x'), a, start);
  const auto second = line.add("BBB", b, start);
  line.add("CCC", c, start);
  std::string all;
  while (all.size() < 199'000) {
    const auto piece = line.offer(1000);
    all += piece;
    line.took(piece.size());
  }
  CHECK(!line.abandon(second));
  while (line.wants_to_write()) {
    const auto piece = line.offer(7);
    all += piece;
    line.took(piece.size());
  }
  CHECK(all == std::string(200'000, 'x') + "CCC");
}

TEST_CASE("An answered command cannot be abandoned any more") {
  pipeline line{options};
  nobody a;
  const auto first = line.add("A", a, start);
  line.took(line.offer(1).size());
  line.next_owed();
  CHECK(line.abandon(first));
}

TEST_CASE("Patience ends with the oldest command that is not answered, wanted or not") {
  pipeline line{options};
  nobody a;
  CHECK(!line.patience_ends());
  const auto first = line.add("A", a, start);
  line.add("B", a, start + milliseconds{100});
  CHECK(line.patience_ends() == start + milliseconds{500});
  line.took(line.offer(10).size());
  line.abandon(first);
  CHECK(line.patience_ends() == start + milliseconds{500});
  line.next_owed();
  CHECK(line.patience_ends() == start + milliseconds{600});
  line.next_owed();
  CHECK(!line.patience_ends());
}

TEST_CASE("So many may be outstanding, those included whose askers have left") {
  pipeline line{options};
  nobody a;
  CHECK(line.has_room_for(3));
  CHECK(!line.has_room_for(4));
  const auto first = line.add("A", a, start);
  line.offer(1);
  line.abandon(first);
  CHECK(!line.has_room_for(3));
  line.next_owed();
  CHECK(line.has_room_for(3));
}

TEST_CASE("A command can go out to which no reply is due") {
  pipeline line{options};
  line.add_unanswered("SUBSCRIBE");
  CHECK(line.answered_all());
  CHECK(line.offer(100) == "SUBSCRIBE");
  CHECK(!line.patience_ends());
}

}  // namespace
}  // namespace gateway::store::redis
