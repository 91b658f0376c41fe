#include "store/redis/connection.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace gateway::store::redis {

using transport::io_status;
using transport::task;

namespace {

constexpr std::size_t piece_size = std::size_t{16} * 1024;  // what TLS puts into one record
// For what has arrived and was not read yet, when the process itself was held up.
constexpr auto grace = std::chrono::milliseconds{1};

}  // namespace

// One or more commands on their way, in the frame of the coroutine that asked.
class connection::round_trip final : public pipeline::asker {
 public:
  round_trip(connection& on, std::span<std::optional<outcome>> answers) noexcept
      : on_{on}, place_{on.loop_.ready()}, answers_{answers}, missing_{answers.size()} {}
  round_trip(const round_trip&) = delete;
  round_trip& operator=(const round_trip&) = delete;
  ~round_trip() override { give_up(); }

  void send(const command& what) {
    const auto which = on_.add(what, *this);
    if (sent_++ == 0) first_ = which;
  }
  auto wait(time::instant until) { return place_.wait(on_.loop_.deadlines(), until); }
  // What is not answered by now has timed out.
  void give_up() noexcept {
    for (std::size_t i = 0; missing_ > 0 && i < sent_; ++i) {
      if (answers_[i]) continue;
      const bool written = on_.pipeline_.abandon(first_ + i);
      answers_[i].emplace(
          std::unexpect,
          trouble{.what = trouble::kind::timed_out, .written = written, .code = {}, .reason = "not answered in time"});
      --missing_;
    }
  }

 private:
  void answered(pipeline::number which, outcome what) noexcept override {
    answers_[static_cast<std::size_t>(which - first_)].emplace(std::move(what));
    if (--missing_ == 0) place_.wake_up();
  }

  connection& on_;
  transport::parking place_;
  std::span<std::optional<outcome>> answers_;
  std::size_t missing_;
  std::size_t sent_ = 0;
  pipeline::number first_ = 0;
};

connection::connection(transport::loop& loop, std::unique_ptr<transport::channel> channel, connection_options options)
    : loop_{loop}, channel_{std::move(channel)}, pipeline_{options.pipelining}, reader_{options.limits} {
  channel_->ready().observe(this);
  channel_->ready().signal(0);  // what has come already makes no new edge
}

connection::~connection() {
  close("the connection is given up");
}

std::optional<trouble> connection::refusal(std::size_t commands, time::instant deadline) const {
  if (ending_) return trouble{.what = trouble::kind::unreachable, .written = false, .code = {}, .reason = *ending_};
  if (!pipeline_.has_room_for(commands))
    return trouble{.what = trouble::kind::unreachable,
                   .written = false,
                   .code = {},
                   .reason = "too many commands wait for their answers"};
  if (deadline <= loop_.now())
    return trouble{.what = trouble::kind::timed_out, .written = false, .code = {}, .reason = "no time was left"};
  return std::nullopt;
}

task<std::vector<outcome>> connection::ask_all(std::vector<command> commands, time::instant deadline) {
  if (auto no = refusal(commands.size(), deadline))
    co_return std::vector<outcome>(commands.size(), outcome{std::unexpect, *no});
  std::vector<std::optional<outcome>> answers(commands.size());
  round_trip trip{*this, answers};
  for (auto& each : commands) {
    trip.send(each);
    if (each.name() == "AUTH") each.wipe();
  }
  if (!commands.empty()) co_await trip.wait(deadline);
  trip.give_up();
  std::vector<outcome> all;
  all.reserve(answers.size());
  for (auto& each : answers) all.push_back(std::move(*each));
  co_return all;
}

task<outcome> connection::ask(command what, time::instant deadline) {
  if (auto no = refusal(1, deadline)) co_return outcome{std::unexpect, std::move(*no)};
  std::optional<outcome> answer;
  round_trip trip{*this, {&answer, 1}};
  trip.send(what);
  co_await trip.wait(deadline);
  trip.give_up();
  co_return std::move(*answer);
}

pipeline::number connection::add(const command& what, pipeline::asker& who) {
  loop_.ready().push(*this);
  return pipeline_.add(what.bytes(), who, loop_.now());
}

void connection::send_unanswered(const command& what) {
  if (ending_) return;
  loop_.ready().push(*this);
  pipeline_.add_unanswered(what.bytes());
}

void connection::run() {
  if (broken_) return;
  write_some();
  settle_alarm();
}

void connection::channel_event() {
  read_some();
  write_some();
  if (ending_ && pipeline_.answered_all()) close(*ending_);
  settle_alarm();
}

void connection::write_some() {
  while (!broken_ && pipeline_.wants_to_write()) {
    const auto put = channel_->try_write(pipeline_.offer(piece_size));
    if (put.status == io_status::done)
      pipeline_.took(put.bytes);
    else if (put.status == io_status::want_write || put.status == io_status::want_read)
      return;
    else
      close(channel_->reason());
  }
}

void connection::read_some() {
  std::array<char, piece_size> piece;
  while (!broken_) {
    const auto got = channel_->try_read(piece);
    if (got.status == io_status::want_read || got.status == io_status::want_write) return;
    if (got.status == io_status::end) return close("the server closed the connection");
    if (got.status == io_status::failed) return close(channel_->reason());
    reader_.feed({piece.data(), got.bytes});
    take_complete();
  }
}

void connection::take_complete() {
  while (!broken_) {
    auto next = reader_.next();
    if (!next) return close(std::move(next.error()));
    if (!*next) return;
    take(std::move(**next));
  }
}

void connection::take(reply what) {
  const auto owed = pipeline_.next_owed();
  if (!owed && on_push_) return on_push_(what);
  if (!owed) return close("the server sent a reply that nobody is owed");
  if (!what.is_error()) {
    if (owed->who != nullptr) owed->who->answered(owed->which, std::move(what));
    return;
  }
  auto failure = trouble_of_error(what.text());
  // The answers to what was sent behind it are still worth having: they say that it was not done.
  if (meaning_of(failure.code).drops_connection && !ending_) ending_ = "the server answers " + failure.code;
  if (owed->who != nullptr) owed->who->answered(owed->which, outcome{std::unexpect, std::move(failure)});
}

void connection::close(std::string reason) {
  if (broken_) return;
  broken_ = true;
  if (!ending_) ending_ = reason.empty() ? std::string{"the connection was lost"} : std::move(reason);
  alarm_.disarm();
  while (const auto owed = pipeline_.next_owed()) {
    if (owed->who == nullptr) continue;
    owed->who->answered(owed->which, outcome{std::unexpect, trouble{.what = owed->written ? trouble::kind::lost
                                                                                          : trouble::kind::unreachable,
                                                                    .written = owed->written,
                                                                    .code = {},
                                                                    .reason = *ending_}});
  }
  if (waiting_for_end_ != nullptr) waiting_for_end_->wake_up();
}

void connection::settle_alarm() {
  if (broken_) return;
  overdue_ = false;
  if (const auto at = pipeline_.patience_ends())
    alarm_.arm(loop_.deadlines(), *at);
  else
    alarm_.disarm();
}

void connection::patience_ended() {
  const auto at = pipeline_.patience_ends();
  if (!at || *at > loop_.now()) return settle_alarm();
  if (overdue_) return close("the server has not answered for too long");
  overdue_ = true;
  alarm_.arm(loop_.deadlines(), loop_.now() + grace);
}

task<std::string> connection::over() {
  struct departure {
    connection& of;
    ~departure() { of.waiting_for_end_ = nullptr; }
  };
  if (!broken_) {
    transport::parking place{loop_.ready()};
    waiting_for_end_ = &place;
    const departure on_leaving{*this};
    co_await place.wait(loop_.deadlines(), time::instant::max());
  }
  co_return *ending_;
}

}  // namespace gateway::store::redis
