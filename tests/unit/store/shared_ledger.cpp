#include "shared_ledger_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::store;

bool says(const order& of, const std::vector<std::string>& words) {
  return std::ranges::search(of.arguments, words).begin() != of.arguments.end();
}

TEST_CASE("nothing is asked before there is a connection; if none comes the store is away") {
  played p;
  CHECK(p.ledger.take_orders(p.now).empty());
  CHECK(p.ledger.drawable(p.read(), p.now).at > p.now);
  CHECK(p.ledger.next_order(p.now) == start + 50ms);
  p.now += 50ms;
  CHECK(p.ledger.take_orders(p.now).empty());
  CHECK(p.ledger.away());
  CHECK(p.ledger.drawable(p.read(), p.now).why.what == binding::by::store);
}

TEST_CASE("a connection is looked over first, and the mirror is never older than a second") {
  played p;
  p.ledger.connected("run-1", p.now);
  const auto first = p.expect(p.scripts.reserve);
  CHECK(first.keys == std::vector<std::string>{"gw:{demo}:meta", "gw:{demo}:slots", "gw:{demo}:w:a/requests",
                                               "gw:{demo}:w:a/sessions", "gw:{demo}:w:c/portal/sessions"});
  CHECK(says(first, {"run-1", "60000000", "100000"}));
  CHECK(says(first, {"3/1000000/51000", "sandbox"}));
  CHECK(says(first, {"2/60000000/160000", ""}));
  CHECK(first.deadline == start + 50ms);
  p.answer(first, p.reservation(3));
  CHECK(p.ledger.next_order(p.now) == start + 1002ms);
  p.now = start + 1002ms;
  CHECK(p.asks(p.scripts.reserve));
}

TEST_CASE("what nobody wants is not reserved, what is wanted is fetched") {
  played p;
  p.begin();
  CHECK(p.ledger.take_orders(p.now).empty());
  CHECK(p.ledger.expected(p.read(), p.now).at <= p.now);
  CHECK(p.ledger.drawable(p.read(), p.now).at > p.now);
  p.ledger.want(p.read(), 2, p.now);
  const auto asked = p.expect(p.scripts.reserve);
  CHECK(asked.keys.size() == 3);
  CHECK(says(asked, {"103", "105"}));
  CHECK_FALSE(p.asks(p.scripts.reserve));  // one call at a time
  p.answer(asked, p.reservation(1, {.granted = {2'000, 30'000}}), 4ms);
  // The first was reserved for the instant of the question: it can be used now, until half of its stretch after that.
  CHECK(p.ledger.drawable(p.read(), p.now).at <= p.now);
  const auto first = p.ledger.draw(p.read(), p.now);
  CHECK(first.send_by <= start + 2ms + 25ms);
  CHECK(first.send_by > start + 2ms + 24ms);
  // The second 28 ms later, counted from when the answer came.
  const auto second = p.ledger.drawable(p.read(), p.now).at;
  CHECK(second >= start + 6ms + 28ms);
  CHECK(second < start + 6ms + 29ms);
}

TEST_CASE("an answer that took longer than the stretch is of no use: it goes back") {
  played p;
  p.begin();
  p.ledger.want(p.read(), 1, p.now);
  const auto asked = p.expect(p.scripts.reserve);
  p.answer(asked, p.reservation(1, {.granted = {2'000}}), 51ms);
  CHECK(p.ledger.drawable(p.read(), p.now).at > p.now);
  const auto back = p.expect(p.scripts.take_back);
  CHECK(back.keys[2] == "gw:{demo}:w:a/requests");
  CHECK(back.arguments[4] == std::to_string(server_start + 2'000) + ":" + asked.arguments.back());
  CHECK(back.arguments[5].empty());
  // Not asked again at once: the way may still be as long.
  CHECK_FALSE(p.asks(p.scripts.reserve));
}

TEST_CASE("what is not drawn in time goes back, and counts in no estimate before") {
  played p;
  p.begin();
  p.ledger.want(p.read(), 1, p.now);
  p.answer(p.expect(p.scripts.reserve), p.reservation(1, {.granted = {2'000}}));
  CHECK(p.ledger.known(0).remembered() == 0);
  p.ledger.want(p.read(), 0, p.now);
  p.now += 50ms;
  CHECK(p.asks(p.scripts.take_back));
}

TEST_CASE("a permit that is given back is there for the next; one that was sent stands in the mirror") {
  played p;
  p.begin();
  p.ledger.want(p.read(), 1, p.now);
  p.answer(p.expect(p.scripts.reserve), p.reservation(1, {.granted = {2'000}}));
  const auto drawn = p.ledger.draw(p.read(), p.now);
  CHECK(p.ledger.known(0).remembered() == 1);
  CHECK(p.ledger.drawable(p.read(), p.now).at > p.now);
  p.ledger.give_back(p.read(), drawn, p.now);
  CHECK(p.ledger.known(0).remembered() == 0);
  CHECK(p.ledger.drawable(p.read(), p.now).at <= p.now);
  const auto again = p.ledger.draw(p.read(), p.now);
  CHECK(again.id == drawn.id);
  p.ledger.sent(p.read(), again, p.now);
  CHECK(p.ledger.known(0).remembered() == 1);
  CHECK_FALSE(p.asks(p.scripts.take_back));
}

TEST_CASE("a pause holds back what is in reserve, and it goes back when its time is over") {
  played p;
  p.begin();
  p.ledger.want(p.read(), 1, p.now);
  p.answer(p.expect(p.scripts.reserve), p.reservation(1, {.granted = {2'000}}));
  REQUIRE(p.ledger.drawable(p.read(), p.now).at <= p.now);
  p.ledger.pause(0, p.now + 10s, p.now);
  const auto held = p.ledger.drawable(p.read(), p.now);
  CHECK(held.at == p.now + 10s);
  CHECK(held.why.what == binding::by::pause);
  CHECK(p.ledger.expected(p.read(), p.now).at >= p.now + 10s);
  p.answer(p.expect(p.scripts.pause), p.reservation(1, {}));
  p.now += 80ms;
  CHECK(p.asks(p.scripts.take_back));
}

TEST_CASE("where the way to the store is too long for the stretch nobody waits in vain, and it is tried again") {
  played p;
  p.begin();
  p.ledger.want(p.read(), 1, p.now);
  const auto in_vain = [&] { return p.ledger.expected(p.read(), p.now).why.what == binding::by::store; };
  for (int looks = 0; looks < 100 && !in_vain(); ++looks) {
    std::ranges::move(p.ledger.take_orders(p.now), std::back_inserter(p.under_way));
    const auto found = std::ranges::find_if(
        p.under_way, [&](const order& one) { return one.what == &p.scripts.reserve && one.keys.size() == 3; });
    p.now += 20ms;
    if (found == p.under_way.end()) continue;
    const auto asked = std::move(*found);
    p.under_way.erase(found);
    // Reserved for the instant of the question, and half a stretch is over when the answer comes.
    p.answer(asked, p.reservation(1, {.granted = {p.server_now() - server_start}}), 30ms);
    CHECK(p.ledger.drawable(p.read(), p.now).at > p.now);
  }
  CHECK(in_vain());
  p.now += 1s;
  CHECK_FALSE(in_vain());
}

TEST_CASE("one that was sent too late while another's upload is under way is uploaded next") {
  played p;
  p.begin();
  p.ledger.want(p.read(), 2, p.now);
  p.answer(p.expect(p.scripts.reserve), p.reservation(1, {.granted = {2'000, 2'000}}));
  const auto first = p.ledger.draw(p.read(), p.now);
  const auto second = p.ledger.draw(p.read(), p.now);
  p.now += 80ms;
  p.ledger.sent(p.read(), first, p.now);
  const auto upload = p.expect(p.scripts.upload);
  CHECK(says(upload, {"3/1000000/51000", "1"}));
  p.ledger.sent(p.read(), second, p.now);
  CHECK_FALSE(p.asks(p.scripts.upload));
  p.answer(upload, p.done());
  const auto next = p.expect(p.scripts.upload);
  CHECK(says(next, {"3/1000000/51000", "1"}));
  CHECK(next.arguments.back() != upload.arguments.back());
  p.answer(next, p.done());
  CHECK_FALSE(p.asks(p.scripts.upload));
}

TEST_CASE("one that was sent too late counts once more") {
  played p;
  p.begin();
  p.ledger.want(p.read(), 1, p.now);
  p.answer(p.expect(p.scripts.reserve), p.reservation(1, {.granted = {2'000}}));
  const auto drawn = p.ledger.draw(p.read(), p.now);
  p.now += 80ms;
  p.ledger.sent(p.read(), drawn, p.now);
  const auto upload = p.expect(p.scripts.upload);
  CHECK(upload.keys.size() == 3);
  CHECK(says(upload, {"3/1000000/51000", "1"}));
  CHECK_FALSE(upload.arguments.back().ends_with(":" + std::to_string(drawn.id)));
}

TEST_CASE("a creation without effect is taken back from the creations' rings alone") {
  played p;
  p.begin();
  p.ledger.want(p.create(), 1, p.now);
  const auto asked = p.expect(p.scripts.reserve);
  CHECK(asked.keys.size() == 4);
  p.answer(asked, p.reservation(2, {.granted = {2'000}}));
  const auto drawn = p.ledger.draw(p.create(), p.now);
  p.ledger.sent(p.create(), drawn, p.now);
  p.ledger.forget(p.create(), drawn, p.now);
  const auto back = p.expect(p.scripts.take_back);
  CHECK(back.keys.size() == 3);
  CHECK(back.keys[2] == "gw:{demo}:w:a/sessions");
  CHECK(p.ledger.known(0).remembered() == 1);
  CHECK(p.ledger.known(1).remembered() == 0);
}

TEST_CASE("when nothing can be had Redis says when, and is asked again as soon as that is within reach") {
  played p;
  p.begin();
  p.ledger.want(p.create(), 1, p.now);
  p.answer(p.expect(p.scripts.reserve), p.reservation(2, {.next = 8'000'000}));
  const auto expected = p.ledger.expected(p.create(), p.now);
  CHECK(expected.at > start + 7990ms);
  CHECK(expected.at < start + 8010ms);
  CHECK(expected.why.what == binding::by::window);
  p.now = start + 1s;
  CHECK_FALSE(std::ranges::any_of(p.ledger.take_orders(p.now), [](const order& o) { return o.keys.size() == 4; }));
  p.now = start + 7910ms;
  CHECK(std::ranges::any_of(p.ledger.take_orders(p.now), [](const order& o) { return o.keys.size() == 4; }));
}

TEST_CASE("permits with a caller's own limits are that caller's, others are anybody's of the account") {
  played p;
  p.begin();
  use portal{.account = 0, .caller = 0, .requests = {0}, .creations = {1, 2}};
  auto batch = portal;
  batch.caller = 1;
  p.ledger.want(portal, 1, p.now);
  p.answer(p.expect(p.scripts.reserve), p.reservation(3, {.granted = {2'000}}));
  CHECK(p.ledger.drawable(portal, p.now).at <= p.now);
  CHECK(p.ledger.drawable(batch, p.now).at > p.now);
  p.ledger.want(p.create(0), 1, p.now);
  p.answer(p.expect(p.scripts.reserve), p.reservation(2, {.granted = {4'000}}));
  CHECK(p.ledger.drawable(p.create(1), p.now).at <= p.now);
}

TEST_CASE("what is done with slots is in the mirror at once, and said until it is confirmed") {
  played p{{}, 2};
  p.begin();
  p.ledger.want(p.create(1, true), 1, p.now);
  p.answer(p.expect(p.scripts.reserve), p.reservation(2, {.granted = {2'000}}));
  CHECK(p.ledger.slots(p.now).held().empty());
  const auto drawn = p.ledger.draw(p.create(1, true), p.now);
  CHECK(drawn.slot == drawn.id);
  CHECK(p.ledger.slots(p.now).held().size() == 1);
  p.ledger.bind(drawn.slot, "s1");
  const auto bind = p.expect(p.scripts.slot);
  CHECK(says(bind, {"bind", std::to_string(drawn.slot), "s1"}));
  p.answer(bind, p.done());
  CHECK(p.ledger.share("s1", 0, p.now));
  CHECK_FALSE(p.ledger.share("s2", 0, p.now));
  const auto share = p.expect(p.scripts.slot);
  CHECK(says(share, {"share", "s1", "portal"}));
  p.no_answer(share);
  CHECK(p.ledger.away());
  p.now += 200ms;
  p.answer(p.expect(p.scripts.reserve), p.reservation(3));  // it is back, and knows of no slot
  CHECK(p.asks(p.scripts.slot));
}

TEST_CASE("a pause is told however much was given back while the store was away") {
  played p{{}, 2};
  p.begin();
  p.ledger.pause(0, p.now + 120s, p.now);
  p.no_answer(p.expect(p.scripts.pause));
  REQUIRE(p.ledger.away());
  for (int i = 0; i < 4'300; ++i) p.ledger.give_back_slot("s" + std::to_string(i), 0, p.now);
  p.now += 200ms;
  p.answer(p.expect(p.scripts.reserve), p.reservation(3));
  CHECK(p.ledger.drawable(p.read(), p.now).why.what == binding::by::pause);
  CHECK(says(p.expect(p.scripts.pause), {"pause", "sandbox"}));
}

TEST_CASE("where there are no slots Redis is not told that one was given back") {
  played p;
  p.begin();
  CHECK_FALSE(p.ledger.give_back_slot("s1", 0, p.now));
  CHECK_FALSE(p.ledger.free_slot("s1", p.now));
  CHECK_FALSE(p.asks(p.scripts.slot));
}

TEST_CASE("what is said of a slot again and again before it is told is told once") {
  played p{{}, 2};
  p.begin();
  for (int i = 0; i < 3; ++i) {
    p.ledger.give_back_slot("s1", 0, p.now);
    p.ledger.give_back_slot("s1", 1, p.now);
  }
  const auto told = [&] {
    const auto all = p.ledger.take_orders(p.now);
    return std::ranges::count(all, &p.scripts.slot, &order::what);
  };
  CHECK(told() == 2);
  // One that is under way may have been there before what was said since.
  p.ledger.give_back_slot("s1", 0, p.now);
  CHECK(told() == 1);
}

TEST_CASE("without an answer the store is away; it is tried again after ever longer pauses") {
  played p;
  p.begin();
  p.ledger.want(p.read(), 1, p.now);
  p.no_answer(p.expect(p.scripts.reserve));
  CHECK(p.ledger.away());
  CHECK(p.ledger.drawable(p.read(), p.now).at == time::instant::max());
  CHECK(p.ledger.drawable(p.read(), p.now).why.what == binding::by::store);
  for (const auto pause : {100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms}) {
    CHECK(p.ledger.next_order(p.now) == p.now + pause);
    p.now += pause;
    p.no_answer(p.expect(p.scripts.reserve));
  }
  p.now += 2s;
  p.answer(p.expect(p.scripts.reserve), p.reservation(3));
  CHECK_FALSE(p.ledger.away());
  CHECK(p.asks(p.scripts.reserve));
}

TEST_CASE("an answer that is none counts as no answer") {
  played p;
  p.begin();
  p.ledger.want(p.read(), 1, p.now);
  p.answer(p.expect(p.scripts.reserve), reply::array({text("now"), text("e1")}));
  CHECK(p.ledger.away());
}

TEST_CASE("when Redis has forgotten it hears again what was sent, and of pauses") {
  played p;
  p.begin();
  p.ledger.want(p.read(), 1, p.now);
  p.answer(p.expect(p.scripts.reserve), p.reservation(1, {.granted = {2'000}}));
  const auto drawn = p.ledger.draw(p.read(), p.now);
  p.ledger.sent(p.read(), drawn, p.now);
  p.ledger.pause(0, p.now + 10s, p.now);
  const auto pause = p.expect(p.scripts.pause);
  CHECK(says(pause, {"pause", "sandbox", "10000000", "900000000"}));
  p.answer(pause, p.done());
  p.epoch = "e2";
  p.now = start + 1s;
  p.ledger.connected("run-2", p.now);
  p.answer(p.expect(p.scripts.reserve), p.reservation(3));
  const auto orders = p.ledger.take_orders(p.now);
  const auto upload = std::ranges::find(orders, &p.scripts.upload, &order::what);
  REQUIRE(upload != orders.end());
  CHECK(std::ranges::any_of(upload->arguments,
                            [&](const std::string& a) { return a.ends_with(":" + std::to_string(drawn.id)); }));
}

// So many permits, drawn and sent.
std::vector<std::uint64_t> send(played& p, std::size_t how_many) {
  std::vector<std::uint64_t> ids;
  while (ids.size() < how_many) {
    p.ledger.want(p.read(), std::min<std::size_t>(16, how_many - ids.size()), p.now);
    std::ranges::move(p.ledger.take_orders(p.now), std::back_inserter(p.under_way));
    // Not a look, which is over all of them.
    const auto found = std::ranges::find_if(
        p.under_way, [&](const order& one) { return one.what == &p.scripts.reserve && one.keys.size() == 3; });
    REQUIRE(found != p.under_way.end());
    const auto asked = std::move(*found);
    p.under_way.erase(found);
    said what;
    const auto all = std::min<std::size_t>(16, how_many - ids.size());
    for (std::size_t i = 0; i < all; ++i) what.granted.push_back(p.server_now() - server_start);
    p.answer(asked, p.reservation(1, what));
    for (std::size_t i = 0; i < all; ++i) {
      const auto drawn = p.ledger.draw(p.read(), p.now);
      p.ledger.sent(p.read(), drawn, p.now);
      ids.push_back(drawn.id);
    }
  }
  p.ledger.want(p.read(), 0, p.now);
  return ids;
}

// Everything that is uploaded from now on, by id.
struct uploaded {
  explicit uploaded(played& p) {
    while (p.asks(p.scripts.upload)) {
      ++orders;
      const auto one = p.expect(p.scripts.upload);
      for (const auto& word : one.arguments) {
        if (const auto colon = word.find(':'); colon != std::string::npos)
          ids.push_back(std::stoull(word.substr(colon + 1)));
      }
      longest = std::max(longest, one.arguments.size());
      p.answer(one, p.done());
    }
  }
  std::vector<std::uint64_t> ids;
  std::size_t orders = 0;
  std::size_t longest = 0;
};

void forgets(played& p) {
  p.epoch += "'";
  p.now += 1s;
  p.answer(p.expect(p.scripts.reserve), p.reservation(3));
}

TEST_CASE("what is uploaded goes piece by piece, one after the other") {
  played p{{}, 0, {{5'000, 1h}}};
  p.begin();
  const auto ids = send(p, 1'300);
  forgets(p);
  const uploaded all{p};
  CHECK(all.ids == ids);
  CHECK(all.orders == 3);
  CHECK(all.longest < 520);
}

TEST_CASE("a piece of an upload that is not answered in time is told again, and the store is not away for that") {
  played p{{}, 0, {{5'000, 1h}}};
  p.begin();
  const auto ids = send(p, 600);
  forgets(p);
  p.no_answer(p.expect(p.scripts.upload));
  CHECK_FALSE(p.ledger.away());
  CHECK_FALSE(p.asks(p.scripts.upload));
  p.now += 100ms;
  CHECK(uploaded{p}.ids == ids);
}

TEST_CASE("nothing more is reserved of what is still to be told") {
  played p{{}, 0, {{5'000, 1h}}};
  p.begin();
  send(p, 600);
  forgets(p);
  p.ledger.want(p.read(), 1, p.now);
  for (int i = 0; i < 2; ++i) {
    const auto piece = p.expect(p.scripts.upload);
    p.now += 1s;
    p.answer(p.expect(p.scripts.reserve), p.reservation(3));  // a look
    CHECK(p.ledger.next_order(p.now) > p.now);
    CHECK_FALSE(p.asks(p.scripts.reserve));
    p.answer(piece, p.done());
  }
  const auto all = p.ledger.take_orders(p.now);
  CHECK(std::ranges::any_of(all, [](const order& one) { return one.keys.size() == 3; }));
}

TEST_CASE("a loss while the last one's upload is under way: all of it is uploaded again") {
  played p{{}, 0, {{5'000, 1h}}};
  p.begin();
  const auto ids = send(p, 600);
  forgets(p);
  const auto first = p.expect(p.scripts.upload);
  forgets(p);
  p.answer(first, p.done());
  CHECK(uploaded{p}.ids == ids);
}

TEST_CASE("what has left the longest window is not uploaded") {
  played p{{}, 0, {{5'000, 10s}}};
  p.begin();
  send(p, 20);
  p.now += 11s;
  const auto ids = send(p, 10);
  forgets(p);
  CHECK(uploaded{p}.ids == ids);
  p.now += 11s;
  forgets(p);
  CHECK(uploaded{p}.ids.empty());
}

TEST_CASE("a jump of the server's clock is told, and what it reserved is not used") {
  played p;
  p.begin();
  p.ledger.want(p.read(), 1, p.now);
  p.jump = 5s;
  p.answer(p.expect(p.scripts.reserve), p.reservation(1, {.granted = {5'002'000}}));
  CHECK(p.ledger.drawable(p.read(), p.now).at > p.now);
  const auto lose = p.expect(p.scripts.lose);
  CHECK(lose.arguments[4] == "e1");
}

TEST_CASE("a share is set aside for when the store is away, and used only under a lease") {
  played p{{.degraded_thousandths = 700, .max_replicas = 2, .lease = 1min}};
  CHECK(p.ledger.rules().resources[0].windows[0].rate == 1);
  p.begin();
  const auto lease = p.expect(p.scripts.lease);
  CHECK(lease.arguments[4] == "take");
  CHECK(lease.arguments[5] == "r1");
  CHECK(lease.arguments[7] == "2");
  p.answer(lease, p.done(0));
  const auto leased_at = p.now - 2ms;
  p.ledger.want(p.read(), 1, p.now);
  p.no_answer(p.expect(p.scripts.reserve));
  CHECK(p.ledger.away());
  REQUIRE(p.ledger.drawable(p.read(), p.now).at <= p.now);
  const auto drawn = p.ledger.draw(p.read(), p.now);
  CHECK(drawn.id == 0);
  p.ledger.sent(p.read(), drawn, p.now);
  CHECK(p.ledger.drawable(p.read(), p.now).at == p.now + 1050ms);
  // Of one creation in ten seconds no part is a whole one.
  CHECK(p.ledger.drawable(p.create(), p.now).at == time::instant::max());
  p.now = leased_at + 60s - 61ms;
  CHECK(p.ledger.drawable(p.read(), p.now).at <= p.now);
  p.now = leased_at + 60s;
  CHECK(p.ledger.drawable(p.read(), p.now).why.what == binding::by::store);
}

TEST_CASE("without a lease nobody goes while the store is away") {
  played p{{.degraded_thousandths = 700, .max_replicas = 2}};
  p.begin();
  p.answer(p.expect(p.scripts.lease), p.done(-1));
  p.ledger.want(p.read(), 1, p.now);
  p.no_answer(p.expect(p.scripts.reserve));
  CHECK(p.ledger.drawable(p.read(), p.now).at == time::instant::max());
}

}  // namespace
