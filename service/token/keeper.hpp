#pragma once

#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "foundation/transport/loop.hpp"
#include "foundation/transport/parking.hpp"
#include "store/shared_token.hpp"
#include "token/renewal.hpp"

namespace gateway::token {

// Carries one token request to the endpoint and brings its answer back.
class endpoint {
 public:
  struct reply {
    unsigned status = 0;
    std::string body;
    time::instant sent_at{};
    std::optional<time::duration> retry_after{};  // what a 429 or a 503 asks for, at most what is believed
  };
  virtual ~endpoint() = default;
  // Ends by itself (it has its own time limit). The error is for people and holds no secret.
  virtual transport::task<std::expected<reply, std::string>> ask(secrets::secret authorization,
                                                                 std::string_view content_type,
                                                                 std::string_view body) = 0;
};

// Hears what the keeper does: for the log and the metrics. On the keeper's loop.
class observer {
 public:
  virtual ~observer() = default;
  virtual void renewed(time::duration lifetime) = 0;
  virtual void failed(const trouble& why) = 0;
  // Another replica's token, instead of one of our own.
  virtual void adopted(time::duration /*left*/) {}
};

class keeper;

// What one loop knows of the account's token: read without a lock, kept up to date by the keeper, and the place where
// that loop's requests wait for a token. Everything is for the loop's own thread.
class view {
 public:
  view(transport::loop& loop, keeper& of);
  view(const view&) = delete;
  view& operator=(const view&) = delete;

  // The usual case, without waiting: a token that is valid now.
  const grant* usable() const noexcept;
  // A token that is valid, or why there is none: waits while an attempt runs, until `deadline`, and shares its result
  // and its failure with everybody else who waits.
  transport::task<std::expected<grant, trouble>> get(time::instant deadline);
  // The API answered 401 to this generation. Nobody is given it until the keeper has said what is to become of it.
  void reject(std::uint64_t generation);
  // The API took this generation. Costs nothing but the first time after there was news of it.
  void accepted(std::uint64_t generation) {
    if (generation != accepted_) tell_accepted(generation);
  }
  // Whoever was refused with this generation waits until another one has worked, or until the API may know the one
  // there is, after `settling` or half the time to `deadline`. Ends early where there is none; `get` says why.
  transport::task<bool> replaced(std::uint64_t generation, time::duration settling, time::instant deadline);
  // The endpoint refuses our credentials, or the API what it gives: another token is no use.
  bool hopeless() const noexcept { return trouble_ && trouble_->refused; }

 private:
  friend keeper;
  struct news {
    std::optional<grant> token;
    std::optional<trouble> failing;
  };
  void update(news latest);
  void tell_accepted(std::uint64_t generation);
  transport::task<transport::wake> hear(time::instant deadline);

  transport::loop& loop_;
  keeper& keeper_;
  std::optional<grant> grant_;
  std::optional<trouble> trouble_;
  bool undecided_ = false;      // the keeper has not said yet what becomes of a token that was refused
  std::uint64_t accepted_ = 0;  // the generation that the keeper knows to have worked since its last news
  std::deque<transport::parking*> waiting_;
};

// Keeps one account's token: one attempt at a time, on one loop, renewed in the background before it expires. The
// attempt belongs to the keeper, not to the request that noticed. With a shared store it is one attempt at a time of
// all replicas; while that is away each of them renews for itself.
class keeper {
 public:
  struct parts {
    transport::loop& home;
    token::endpoint& endpoint;
    // Read anew for every attempt, so that a rotated secret is picked up. The error names the file.
    std::function<std::expected<credentials, std::string>()> credentials;
    token::encoding encoding = token::encoding::json;
    renewal_options options;
    std::function<double()> uniform;  // [0, 1)
    token::observer& observer;
    store::shared_token* shared = nullptr;  // of the home loop; none: this process is alone
  };
  explicit keeper(parts given);
  keeper(const keeper&) = delete;
  keeper& operator=(const keeper&) = delete;

  // On the home loop, once: begins the first attempt.
  void start();
  // Any thread: asks for a new token now, whatever is known (a secret was changed, or somebody says so). The present
  // one is used until there is another. While an attempt runs: nothing.
  void renew_now();
  // An attempt has ended, either way. Any thread.
  bool tried() const noexcept { return tried_.load(std::memory_order_relaxed); }
  // There is one that the API is not known to refuse. Any thread.
  bool has_token() const noexcept { return has_token_.load(std::memory_order_relaxed); }
  // When the present token expires; the epoch where there is none. Any thread.
  time::instant expiry() const noexcept {
    return time::instant{time::duration{expiry_.load(std::memory_order_relaxed)}};
  }

  // Of the present token: 1, 2, 3, ...; 0 where there is none. Any thread.
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_relaxed); }

  // How the latest attempt ended. Any thread.
  enum class standing : std::uint8_t { well, out_of_reach, refused };
  standing latest() const noexcept { return standing_.load(std::memory_order_relaxed); }

 private:
  friend view;
  class alarm final : public time::deadline {
   public:
    explicit alarm(keeper& owner) noexcept : owner_{owner} {}

   private:
    void expired() override { owner_.consider(); }
    keeper& owner_;
  };

  // The endpoint's turn, or nothing where the attempt has ended without it.
  struct turn {
    std::optional<store::token_lease> lease{};
  };

  void consider();
  transport::task<> attempt();
  transport::task<std::optional<turn>> take_turn(store::token_owner who);
  transport::task<std::optional<turn>> take_turn_safely(store::token_owner who);
  transport::task<> tell_others(store::token_owner who, store::token_lease lease, time::instant sent_at,
                                time::duration asked_for);
  void adopt(store::shared_grant found);
  void conclude(std::expected<endpoint::reply, std::string> reply);
  void note_trouble(bool refused, std::string reason, time::duration at_least = time::duration::zero());
  void reject(std::uint64_t generation);    // any thread
  void accepted(std::uint64_t generation);  // any thread
  void publish();

  parts parts_;
  renewal renewal_;
  alarm alarm_{*this};
  std::vector<view*> views_;
  secrets::secret latest_;       // token, as the shared store is told what is known
  bool latest_refused_ = false;  // by the API
  std::atomic<bool> tried_{false};
  std::atomic<bool> has_token_{false};
  std::atomic<time::duration::rep> expiry_{0};
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<standing> standing_{standing::well};
};

}  // namespace gateway::token
