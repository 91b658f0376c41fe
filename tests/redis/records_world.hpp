#pragma once

#include "node.hpp"
#include "store/redis_records.hpp"

namespace gateway::store {

struct counting_observer final : record_observer {
  void unreadable() noexcept override { ++unreadables; }
  void not_recorded(key_event what) noexcept override { given_up.push_back(what); }
  int unreadables = 0;
  std::vector<key_event> given_up;
};

// A replica with an account's records.
struct replica : node {
  struct wishes {
    std::string secret = "example-secret-not-real";
    redis_records_options options{};
    node::wishes machine{};
  };
  replica(const support::redis_server& server, const wishes& w)
      : node{server, w.machine, w.options.prefix},
        records{{.loop = loop,
                 .client = client,
                 .hints = told,
                 .randomness = randomness,
                 .observer = observer,
                 .seals = std::make_shared<const sealing>(secrets::secret{w.secret}, redis_records::purpose),
                 .options = w.options}} {}

  // What a request does, step by step.
  struct came : claim {
    digest of{};
    std::shared_ptr<asking> by = std::make_shared<asking>();
  };
  came come(std::string key = "k", digest of = {1}, std::size_t caller = 0,
            time::duration lease = std::chrono::seconds{30}) {
    came made;
    made.of = of;
    static_cast<claim&>(made) = result(records.claim_key({caller, std::move(key)}, of, now() + lease, made.by));
    return made;
  }
  static hold held(const came& by, std::string key = "k") {
    return {.name = {0, std::move(key)}, .of = by.of, .token = by.token, .by = by.by};
  }
  said sending(hold by, time::duration lease = std::chrono::seconds{60}) {
    return result(records.sending(std::move(by), now() + lease));
  }
  said renewed(hold by, time::duration lease = std::chrono::seconds{30}) {
    return result(records.renewed(std::move(by), now() + lease));
  }
  said taken_back(hold by) { return result(records.taken_back(std::move(by))); }
  said finished(hold by, std::string body = "{}") {
    return result(records.finished(std::move(by), {201, "s1", std::move(body)}));
  }
  said lost(hold by) { return result(records.lost(std::move(by))); }
  said released(hold by) { return result(records.released(std::move(by))); }

  counting_observer observer;
  redis_records records;
};

inline redis_records_options options_of(records_bounds bounds = {}) {
  redis_records_options options;
  options.prefix = "test:";
  options.account = "sandbox";
  options.callers = {"portal", "shop"};
  options.bounds = bounds;
  options.timeout = std::chrono::seconds{10};  // a busy machine is no sick store
  return options;
}

}  // namespace gateway::store
