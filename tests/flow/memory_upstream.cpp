#include "flow/memory_upstream.hpp"

#include <algorithm>
#include <array>

#include "foundation/http/parser.hpp"
#include "foundation/transport/parking.hpp"
#include "tls/stream.hpp"

namespace gateway::flow {

using transport::interest;
using transport::io_status;
using transport::task;
using transport::wake;

// A wire that lets so many more bytes in, if it was told to, and then breaks.
class memory_upstream::throttle final : public transport::channel {
 public:
  throttle(memory_upstream& owner, std::unique_ptr<transport::memory_channel> wire)
      : owner_{owner}, wire_{std::move(wire)} {
    owner_.open_wires_.push_back(this);
  }
  ~throttle() override { std::erase(owner_.open_wires_, this); }

  void allow(std::size_t bytes) noexcept {
    allowed_ = bytes;
    if (bytes == 0) wire_->reset();
  }
  void reset() noexcept { wire_->reset(); }

  transport::io_result try_read(std::span<char> into) noexcept override {
    if (allowed_) into = into.first(std::min(into.size(), *allowed_));
    const auto got = wire_->try_read(into);
    if (allowed_ && got.status == io_status::done && (*allowed_ -= got.bytes) == 0) wire_->reset();
    return got;
  }
  transport::io_result try_write(std::span<const char> from) noexcept override { return wire_->try_write(from); }
  void finish() noexcept override { wire_->finish(); }
  transport::readiness& ready() noexcept override { return wire_->ready(); }
  std::string reason() const override { return wire_->reason(); }

 private:
  memory_upstream& owner_;
  std::unique_ptr<transport::memory_channel> wire_;
  std::optional<std::size_t> allowed_;
};

void memory_upstream::cut_request_after(std::size_t encrypted_bytes) noexcept {
  for (auto* wire : open_wires_) wire->allow(encrypted_bytes);
}

namespace {

// Reads on until `into` has `size` bytes, or a whole head where `size` is 0. False: the gateway has closed.
task<bool> read_until(tls::stream& from, std::string& into, std::size_t size) {
  while (size == 0 ? !http::end_of_head(into, 0) : into.size() < size) {
    std::array<char, 4096> piece{};
    const auto got = from.try_read(piece);
    if (got.status == io_status::done) {
      into.append(piece.data(), got.bytes);
      continue;
    }
    if (got.status != io_status::want_read) co_return false;
    const auto woken = co_await from.ready().wait(interest::read);
    if (woken != wake::ready) co_return false;
  }
  co_return true;
}

task<bool> write_all(tls::stream& to, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = to.try_write(bytes);
    if (put.status == io_status::done) {
      bytes.remove_prefix(put.bytes);
      continue;
    }
    if (put.status != io_status::want_write) co_return false;
    const auto woken = co_await to.ready().wait(interest::write);
    if (woken != wake::ready) co_return false;
  }
  co_return true;
}

simulator::request request_of(const http::request_head& head, std::string_view body, std::uint64_t connection) {
  simulator::request r{
      .method = std::string{head.method_text}, .target = std::string{head.target}, .connection = connection};
  for (const auto& f : head.fields.all()) r.headers.emplace_back(f.name, f.value);
  r.body = body;
  return r;
}

}  // namespace

memory_upstream::memory_upstream(transport::loop& loop, handler answers)
    : loop_{loop}, answers_{std::move(answers)}, tls_{support::serving(support::certificates().server)} {}

task<std::expected<std::unique_ptr<transport::channel>, std::string>> memory_upstream::connect(transport::endpoint,
                                                                                               time::instant) {
  if (refusing_) co_return std::unexpected{std::string{"Connection refused"}};
  auto [mine, theirs] = transport::memory_channel::make_pair(loop_.ready(), 64 * 1024, capacity_);
  ++accepted_;
  loop_.spawn(serve(std::move(mine), accepted_));
  co_return std::unique_ptr<transport::channel>{std::move(theirs)};
}

task<> memory_upstream::serve(std::unique_ptr<transport::memory_channel> channel, std::uint64_t number) {
  struct count {
    std::size_t& of;
    explicit count(std::size_t& cell) : of{cell} { ++of; }
    ~count() { --of; }
  } while_open{open_};
  auto throttled = std::make_unique<throttle>(*this, std::move(channel));
  auto* wire = throttled.get();
  tls::stream secured{std::move(throttled), tls_->accept()};
  transport::watchdog guard{secured.ready()};
  const auto shaken = co_await secured.handshake();
  if (!shaken) co_return;
  for (std::string input;;) {
    if (idle_limit_) guard.set(loop_.deadlines(), loop_.now() + *idle_limit_);
    const bool whole = co_await read_until(secured, input, 0);
    if (!whole) {
      // Unless the gateway has closed it before.
      std::array<char, 1> rest{};
      if (input.empty() && idle_limit_ && secured.try_read(rest).status == io_status::want_read) {
        ++closed_idle_;
        secured.finish();
      }
      co_return;
    }
    guard.stop();
    const auto end = *http::end_of_head(input, 0);
    http::request_head head;
    http::request_parser parser{{}, head};
    if (!parser.read_head(std::string_view{input}.substr(0, end))) co_return;
    const auto length = end + static_cast<std::size_t>(head.content_length);
    auto request = request_of(head, {}, number);
    const bool all = co_await read_until(secured, input, length);
    if (!all) co_return;
    request.body = input.substr(end, length - end);
    const bool keep_alive = head.keep_alive;
    input.erase(0, length);

    const auto script = answers_(request);
    for (const auto& step : script.steps) {
      switch (step.what) {
        case simulator::step::kind::wait: {
          transport::parking place{loop_.ready()};
          co_await place.wait(loop_.deadlines(), loop_.now() + step.duration);
          break;
        }
        case simulator::step::kind::send:
          for (std::uint64_t i = 0; i < step.repeat; ++i) {
            const bool sent = co_await write_all(secured, step.bytes);
            if (!sent) co_return;
          }
          break;
        case simulator::step::kind::close:
          co_return;
        case simulator::step::kind::reset:
          wire->reset();
          co_return;
        case simulator::step::kind::stall: {
          std::string ignored;
          const bool more = co_await read_until(secured, ignored, std::string::npos);
          if (!more) co_return;
          break;
        }
      }
    }
    if (!script.keep_alive || !keep_alive) {
      secured.finish();
      co_return;
    }
  }
}

}  // namespace gateway::flow
