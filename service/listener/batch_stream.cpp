#include "listener/batch_stream.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace gateway::listener {

using errors::problem;
using transport::io_status;
using transport::task;

namespace {

constexpr std::size_t read_step = 16 * 1024;
constexpr std::size_t most_unsent = 64 * 1024;  // of the answer, before nothing more is begun
// How long a change goes unnoticed that wakes nobody: the drain, a slot that became free.
constexpr time::duration longest_look = std::chrono::milliseconds{250};

}  // namespace

batch_stream::batch_stream(parts given) : parts_{std::move(given)}, lines_{parts_.work->longest_line()} {
  chunks_.limit(static_cast<std::size_t>(-1));
  moved_in_ = moved_out_ = parts_.loop.now();
  const auto& head = parts_.x.head;
  left_ = head.content_length;
  body_over_ = head.body == http::framing::none;
  if (body_over_) lines_.end();
  decode(std::string_view{parts_.x.input}.substr(parts_.x.head_size));
  parts_.connection.ready().observe(this);
}

batch_stream::~batch_stream() {
  parts_.connection.ready().observe(nullptr);
  parts_.work->leave();
}

void batch_stream::channel_event() {
  if (waiting_ != nullptr) waiting_->wake_up();
}

task<bool> batch_stream::run(std::string head) {
  sending_ = std::move(head);
  for (;;) {
    auto& ready = parts_.connection.ready();
    if (ready.cancelled() || ready.has(transport::readiness::hung_up)) co_return false;
    const auto out = write();
    const auto in = out == step::gone ? out : read();
    if (in == step::gone) co_return false;
    draw();
    look_at_the_clock();
    const auto now = parts_.loop.now();
    if (!sending_.empty() && now - moved_out_ >= parts_.options.write_timeout) co_return false;
    const bool over = stopped_ || (body_over_ && lines_.done() && !parts_.work->holds_line());
    if (over && parts_.work->idle() && !summarised_) {
      parts_.work->summarise(stopped_);
      summarised_ = true;
    }
    if (summarised_ && sending_.empty() && parts_.work->answers().empty()) co_return true;
    if (out == step::again || in == step::again || (sending_.empty() && !parts_.work->answers().empty())) {
      // Others of the loop have their turn; so has whoever just became ready.
      transport::parking turn{parts_.loop.ready()};
      co_await turn.wait(parts_.loop.deadlines(), now);
      continue;
    }
    transport::parking place{parts_.loop.ready()};
    waiting_ = &place;
    parts_.work->wake(&place);
    co_await place.wait(parts_.loop.deadlines(), look_again());
    waiting_ = nullptr;
    parts_.work->wake(nullptr);
  }
}

time::instant batch_stream::look_again() const {
  const auto latest = parts_.loop.now() + longest_look;
  return later_ ? std::min(*later_, latest) : latest;
}

// ---- out

// What was answered, as one piece of the wire; the last one ends the body.
void batch_stream::pack() {
  auto& answers = parts_.work->answers();
  if (answers.empty()) return;
  if (parts_.x.head.version == 10) {
    sending_ = std::exchange(answers, {});
    return;
  }
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), answers.size(), 16).ptr;
  sending_.assign(size.data(), end);
  sending_ += "\r\n";
  sending_ += answers;
  sending_ += summarised_ ? "\r\n0\r\n\r\n" : "\r\n";
  answers.clear();
}

batch_stream::step batch_stream::write() {
  if (sending_.empty()) {
    pack();
    moved_out_ = parts_.loop.now();
  }
  if (sending_.empty()) return step::wait;
  const auto put = parts_.connection.try_write({sending_.data() + sent_, sending_.size() - sent_});
  if (put.status == io_status::want_read || put.status == io_status::want_write) return step::wait;
  if (put.status != io_status::done) return step::gone;
  moved_out_ = parts_.loop.now();
  sent_ += put.bytes;
  if (sent_ == sending_.size()) {
    sending_.clear();
    sent_ = 0;
  }
  return step::again;
}

// ---- in

bool batch_stream::wants_input() const noexcept {
  return !body_over_ && !stopped_ && !parts_.work->holds_line() && !parts_.work->full() &&
         parts_.work->answers().size() < most_unsent;
}

batch_stream::step batch_stream::read() {
  if (!wants_input() || lines_.has_line()) {
    moved_in_ = parts_.loop.now();  // it is we who pause
    return step::wait;
  }
  std::array<char, read_step> piece;
  auto most = piece.size();
  if (parts_.x.head.body == http::framing::length) most = std::min<std::uint64_t>(most, left_);
  const auto got = parts_.connection.try_read({piece.data(), most});
  if (got.status == io_status::want_read || got.status == io_status::want_write) return step::wait;
  if (got.status != io_status::done) return step::gone;
  moved_in_ = parts_.loop.now();
  decode({piece.data(), got.bytes});
  return step::again;
}

void batch_stream::decode(std::string_view bytes) {
  if (body_over_) return;
  if (parts_.x.head.body == http::framing::length) {
    const auto mine = bytes.substr(0, left_);
    lines_.input() += mine;
    left_ -= mine.size();
    body_over_ = left_ == 0;
  } else {
    undecoded_ += bytes;
    const auto taken = chunks_.read(undecoded_, lines_.input());
    if (!taken) return stop(problem::malformed_request, "The body's chunks are malformed.");
    undecoded_.erase(0, *taken);
    if (undecoded_.size() > parts_.options.limits.head)
      return stop(problem::malformed_request, "A chunk's header is too long.");
    body_over_ = chunks_.finished();
  }
  if (body_over_) lines_.end();
}

void batch_stream::draw() {
  later_.reset();
  auto& work = parts_.work;
  while (!stopped_ && !work->full() && work->answers().size() < most_unsent) {
    if (!work->holds_line()) {
      auto next = lines_.next();
      if (next.what == line_splitter::piece::is::nothing) return;
      work->take(std::move(next));
      continue;
    }
    if (parts_.draining) return;
    if (auto refusal = parts_.requests.on_next_line(parts_.x)) {
      stopped_ = std::move(refusal);
      return;
    }
    // Who is not in a hurry waits until the others are through.
    if (parts_.options.load != nullptr && parts_.options.load->at_the_desk()) return;
    later_ = batch::draw(work);
    if (later_) return;
  }
}

void batch_stream::look_at_the_clock() {
  if (stopped_ || (body_over_ && lines_.done() && !parts_.work->holds_line())) return;
  if (parts_.draining)
    stop(problem::draining, "The gateway stops; the lines behind those counted here were not read.");
  else if (wants_input() && parts_.loop.now() - moved_in_ >= parts_.options.body_timeout)
    stop(problem::request_timeout, "The next line did not arrive in time.");
}

void batch_stream::stop(problem why, std::string detail) {
  auto& f = stopped_.emplace();
  f.id = why;
  f.detail = std::move(detail);
}

}  // namespace gateway::listener
