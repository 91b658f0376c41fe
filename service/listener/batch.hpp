#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "foundation/json/scanner.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/parking.hpp"
#include "listener/api.hpp"
#include "listener/batch_line.hpp"
#include "listener/batch_terms.hpp"
#include "onboarding/sessions.hpp"

namespace gateway::listener {

// The creations of one batch: each is a creation as any other, by the same code, that comes to the queue only when
// nobody else stands there. It outlives its connection while a creation runs: what was sent is finished. On one loop.
class batch {
 public:
  struct parts {
    transport::loop& loop;
    onboarding::sessions& sessions;
    request_observer& observer;
    std::string account{};
    std::uint8_t account_number = 0;
    std::string caller_name{};
    std::uint16_t caller_number = 0;
    bool may_reuse = true;
    std::size_t longest_line = 0;
    trace::request_id request_id{};
    trace::context trace{};
  };
  batch(parts given, batch_terms terms) : parts_{std::move(given)}, terms_{std::move(terms)} {}

  // Memory for one batch has an end.
  static constexpr std::size_t most_running = 256;
  static constexpr std::size_t most_running_bytes = 1024 * 1024;

  // For lines to come; those that run end by the terms with which they began.
  void adopt(batch_terms now) noexcept { terms_ = std::move(now); }

  std::size_t longest_line() const noexcept { return parts_.longest_line; }
  bool full() const noexcept { return running_.size() >= most_running || running_bytes_ >= most_running_bytes; }
  bool idle() const noexcept { return running_.empty() && !looking_; }

  // A line as it came. What is wrong with it is answered at once; else it is kept until it may be drawn.
  void take(line_splitter::piece what);
  bool holds_line() const noexcept { return held_ != nullptr || looking_; }
  // Draws the line that is held, if its turn is there. Otherwise: when to look again; meanwhile it is answered if there
  // is something to say without creating anything.
  static std::optional<time::instant> draw(const std::shared_ptr<batch>& self);

  // Lines of the answer that are complete, to be taken.
  std::string& answers() noexcept { return answers_; }
  // Who waits for more of them; none: nobody.
  void wake(transport::parking* who) noexcept { waiting_ = who; }

  // The caller is gone: nobody hears of the rest, and nothing more is begun.
  void leave() noexcept;
  // The last line. `why`: the stream was not read to its end.
  void summarise(const std::optional<errors::failure>& why);
  // So far. A line that is under way may have made a session, for all that is known.
  batch_totals totals() const noexcept;

 private:
  struct line {
    std::size_t number = 0;
    std::string text{};
    batch_terms terms{};
    batch_line says{};
    onboarding::workspace space{};
    transport::departure left{};
    bool looked_at = false;
  };
  onboarding::creation_request request_of(const line& one) const;
  static transport::task<> look(std::shared_ptr<batch> self, std::unique_ptr<line> one);
  void answer(line& one, std::expected<onboarding::creation_answer, errors::failure> what, std::string_view body);
  static transport::task<> run(std::shared_ptr<batch> self, std::unique_ptr<line> one);
  void created(const line& one, const onboarding::creation_answer& made, std::string_view body);
  void failed(std::size_t number, const errors::failure& why);
  void begin_answer(std::size_t number, unsigned status);
  void tell(unsigned status, const errors::failure* why) const;

  parts parts_;
  batch_terms terms_;
  json::scanner scanner_;
  std::unique_ptr<line> held_;
  bool looking_ = false;  // at the line that is held
  bool left_ = false;
  std::vector<line*> running_;
  std::size_t running_bytes_ = 0;
  std::string answers_;
  transport::parking* waiting_ = nullptr;
  batch_totals counts_;
};

}  // namespace gateway::listener
