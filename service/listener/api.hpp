#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admission/directory.hpp"
#include "listener/batch_terms.hpp"
#include "listener/routes.hpp"
#include "listener/server.hpp"
#include "onboarding/devices.hpp"
#include "onboarding/sessions.hpp"
#include "onboarding/users.hpp"
#include "onboarding/waiting.hpp"
#include "proto_free_api.hpp"

namespace gateway::listener {

// The account's side of the caller-facing routes, on one loop.
struct api_account {
  std::string name;
  onboarding::sessions* sessions = nullptr;
  onboarding::waiting* waiting = nullptr;
  onboarding::users* users = nullptr;
  onboarding::devices* devices = nullptr;
};

// The policies of one caller, by account index; empty where it may not use the account.
using caller_policies = std::vector<std::shared_ptr<const onboarding::creation_policy>>;

// What a configuration says of callers and their requests. A request is handled by the one with which it began.
struct rulebook {
  std::shared_ptr<const admission::directory> callers;
  std::vector<caller_policies> policies;       // by the directory's caller index
  std::vector<time::duration> total_timeouts;  // by the directory's account index
  std::vector<time::duration> longest_waits;   // of a read, by the same
};

// What everybody may read.
struct documents {
  std::string_view openapi;
  std::function<std::optional<proto_free_api::problem_page>(std::string_view name)> find_problem_page;
};

// What became of one line of a batch. The texts are valid for the call.
struct answered_line {
  std::string_view request_id{};  // of the batch
  trace::context trace{};
  std::string_view caller{};
  std::string_view account{};
  std::uint16_t caller_number = 0;
  std::uint8_t account_number = 0;
  std::uint16_t status = 0;
  std::optional<errors::problem> problem{};
  std::optional<errors::guard> guard{};  // that refused it
  errors::effect effect = errors::effect::none;
};

// Hears of every answered request, for logs and metrics.
class request_observer {
 public:
  virtual ~request_observer() = default;
  virtual void answered(const exchange& x, time::duration took, const dispatch::stage_times& stages,
                        unsigned upstream_status) = 0;
  // A batch is one request, and each of its lines is a creation.
  virtual void answered(const answered_line& line) = 0;
  // The gateway itself failed to handle it; the caller gets a 500 without the reason.
  virtual void failed(const exchange& x, std::string_view reason) = 0;
};

// The caller-facing contract on one loop: routes, who may do what, and from use cases to answers.
class api final : public handler {
 public:
  struct parts {
    const time::clock& clock;
    transport::loop& loop;
    std::shared_ptr<const rulebook> rules;  // of this loop alone: it counts without atomic contention
    std::vector<api_account> accounts;      // by the directory's account index
    documents papers;
    std::size_t body_limit = 64 * 1024;
    request_observer& observer;
    trace::tracer& tracer;
  };
  explicit api(parts given) : parts_{std::move(given)} {}

  // For requests to come.
  void adopt(std::shared_ptr<const rulebook> rules) noexcept { parts_.rules = std::move(rules); }

  std::unique_ptr<scratch> make_scratch() override;
  std::size_t on_head(exchange& x) override;
  void on_refused(exchange& x) override { add_rate_limits(x, of(x)); }
  transport::task<> on_request(exchange& x) override;
  void on_later(exchange& x, postponed& what) override;
  std::optional<errors::failure> on_next_line(exchange& x) override;
  void on_failure(const exchange& x, std::string_view reason) override { parts_.observer.failed(x, reason); }
  void on_done(const exchange& x, time::duration took) override;

 private:
  struct request_scratch;
  static request_scratch& of(exchange& x);

  void refuse_route(exchange& x, routing& where) const;
  static void note_account(exchange& x, const request_scratch& mine, std::string_view path);
  bool admit(exchange& x, request_scratch& mine);
  std::expected<const admission::caller*, errors::failure> authenticate(const exchange& x, const rulebook& by) const;
  static void know(exchange& x, request_scratch& mine, const admission::caller& caller);
  static void know(exchange& x, request_scratch& mine, const admission::account_policy& account);
  std::optional<errors::failure> check_headers(const exchange& x, request_scratch& mine) const;
  std::optional<errors::failure> check_key(const exchange& x, request_scratch& mine) const;
  void find_deadline(exchange& x, request_scratch& mine);
  std::optional<errors::failure> check_batch_headers(const exchange& x, request_scratch& mine) const;
  void begin_batch(exchange& x, const request_scratch& mine);
  batch_terms terms_of(const request_scratch& mine) const;
  transport::task<> create_session(exchange& x, request_scratch& mine);
  transport::task<> serve_other(exchange& x, request_scratch& mine);
  // Reading, with and without waiting (api_reading.cpp).
  class session_wait;
  static std::chrono::seconds longest_wait(const request_scratch& mine, std::chrono::seconds wanted);
  transport::task<> read_session(exchange& x, request_scratch& mine);
  transport::task<onboarding::seen> first_look(exchange& x, request_scratch& mine, onboarding::session_id id,
                                               time::instant until);
  void answer_with_seen(exchange& x, const onboarding::sighting& what, std::string_view none_match);
  // Users and devices (api_podero.cpp).
  transport::task<> create_user(exchange& x, request_scratch& mine);
  transport::task<> read_devices(exchange& x, request_scratch& mine);
  void give_back_slot(exchange& x, const request_scratch& mine);
  void show_account(exchange& x, const request_scratch& mine);
  void add_preferences(exchange& x, const request_scratch& mine) const;
  void add_rate_limits(exchange& x, const request_scratch& mine);
  void list_accounts(exchange& x, const request_scratch& mine);
  void show_openapi(exchange& x) const;
  void show_problem_page(exchange& x, const request_scratch& mine) const;
  void answer_with_created(exchange& x, const request_scratch& mine, const onboarding::creation_answer& made);

  parts parts_;
  std::vector<onboarding::window_state> windows_;  // only of one answer after the other: here they stay in the caches
};

}  // namespace gateway::listener
