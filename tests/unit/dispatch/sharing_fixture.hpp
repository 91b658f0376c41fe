#pragma once

// Sessions for many who ask for the same, over the real way upstream.
#include "onboarding/sessions.hpp"
#include "scripted_records.hpp"
#include "store/memory_records.hpp"
#include "way_fixture.hpp"

namespace gateway::dispatch {

using namespace std::chrono_literals;
using support::scripted_server;

inline std::string body_of(std::string_view user = "a169451c-8525-4352-b8ca-070dd449a1a5") {
  return R"({"language":"de","price_zone_default":"AT","success_url":"https://example.com/ok",)"
         R"("cancel_url":"https://example.com/no","user_id":")" +
         std::string{user} + "\"}";
}

// Podero's answer about the n-th session.
inline std::string session_json(int n, std::string_view object = "null", std::string_view expires = "2024-08-30") {
  return R"({"authentication_url":"https://connect.podero.com?x=1","id":"497f6eca-6276-4993-bfeb-53cbbbba6f0)" +
         std::to_string(n) + R"(","expiration_date":")" + std::string{expires} + R"(","object_id":)" +
         std::string{object} + "}";
}

struct counting_observer final : onboarding::observer {
  void created(const onboarding::made_session&) override { ++made; }
  void unaccounted(const onboarding::made_session& what, errors::effect how) override {
    lost.push_back(std::string{errors::to_string(how)} + " " + std::string{what.id} + " " +
                   std::string{what.idempotency_key});
  }
  void unusable(operation what, std::string_view reason) override {
    unread.push_back((what == operation::create_session ? "creation: " : "other: ") + std::string{reason});
  }
  void reused() override { ++again; }
  void replayed() override { ++repeated; }
  void completed() override { ++finished; }
  void foreign_member_dropped() override {}
  void waited_for_store(time::duration total) override { waits.push_back(total); }
  int made = 0;
  int again = 0;
  int repeated = 0;
  int finished = 0;
  std::vector<time::duration> waits;  // for the store
  std::vector<std::string> lost;      // effect, session, key
  std::vector<std::string> unread;    // of what, why
};

struct sharing_wishes {
  onboarding::reuse_rules reuse{.lifetime = 10min};
  way_wishes way{};
};

struct sharing_fixture : way_fixture {
  explicit sharing_fixture(sharing_wishes w = {}) : way_fixture{w.way}, shared{.limits = domain, .reuse = w.reuse} {
    server.otherwise([this](const auto&) { return scripted_server::answer(201, session_json(++made)); });
  }

  // One caller's request and what became of it.
  struct asker {
    explicit asker(sharing_fixture& in) : of{in} {}
    sharing_fixture& of;
    onboarding::workspace space;
    transport::departure gone;
    std::string body;
    std::string key;
    std::string out;
    std::optional<std::expected<onboarding::creation_answer, errors::failure>> got;

    unsigned status() const {
      REQUIRE(got.has_value());
      REQUIRE_MESSAGE(got->has_value(), got->error().detail);
      return (*got)->status;
    }
    std::string id() const { return std::string{(*got)->id.view()}; }
    const errors::failure& failure() const {
      REQUIRE(got.has_value());
      REQUIRE_FALSE(got->has_value());
      return got->error();
    }
    void leave() {
      gone.happen(of.loop.ready());
      of.settle();
    }
  };

  static transport::task<> run(asker& a, onboarding::sessions& by, std::size_t caller, time::duration within,
                               bool may_reuse) {
    a.space.caller = &a.gone;
    onboarding::creation_request what{.caller = caller,
                                      .policy = a.of.policy,
                                      .body = a.body,
                                      .deadline = a.of.loop.now() + within,
                                      .may_reuse = may_reuse};
    if (!a.key.empty()) what.idempotency_key = a.key;
    auto creating = by.create(what, a.space, a.out);
    a.got = co_await std::move(creating);
  }
  struct wish {
    std::string key{};
    std::size_t caller = 0;
    time::duration within = 15s;
    bool may_reuse = true;
    std::string body = body_of();
  };
  asker& ask(wish w) {
    auto& a = askers.emplace_back(*this);
    a.body = std::move(w.body);
    a.key = std::move(w.key);
    start(run(a, subject, w.caller, w.within, w.may_reuse));
    return a;
  }
  asker& ask() { return ask(wish{}); }
  void answer_late() {
    auto late = scripted_server::answer(201, session_json(++made));
    late.silent = true;
    server.then(std::move(late));
  }
  void say() {
    server.step();
    settle();
  }
  void read(int n) {
    out.clear();
    start([](sharing_fixture& self, onboarding::session_id id) -> transport::task<> {
      auto reading = self.subject.read(0, id, self.loop.now() + 15s, self.space, self.out);
      co_await std::move(reading);
    }(*this, *onboarding::session_id::parse("497f6eca-6276-4993-bfeb-53cbbbba6f0" + std::to_string(n))));
  }

  onboarding::answer_policy answers;
  store::memory_records memory{clock};
  scripted_records records{memory};
  onboarding::shared_sessions shared;
  counting_observer seen;
  onboarding::creation_policy policy{onboarding::creation_rules{}};
  onboarding::sessions subject{{.loop = loop,
                                .way = way,
                                .answers = answers,
                                .shared = shared,
                                .records = records,
                                .clock = clock,
                                .observer = seen,
                                .account = "sandbox",
                                .health = [] { return onboarding::upstream_view{}; }}};
  onboarding::workspace space;
  std::string out;
  std::deque<asker> askers;
  int made = 0;
};

}  // namespace gateway::dispatch
