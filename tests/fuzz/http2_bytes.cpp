// Any bytes as the frames that Podero's server sends after its greeting and a request, through the real exchange: in
// one piece and in small ones they are the same answer, or none for the same kind of reason.
#include "fuzz/exchange_line.hpp"
#include "http2/connection.hpp"

namespace {

using namespace gateway;

class line final : public fuzz::exchange_line {
  using opened = std::optional<http2::connection::opened>;

  std::unique_ptr<transport::channel> over(std::unique_ptr<transport::channel> connection,
                                           support::memory_peer& server) override {
    opened made;
    loop().spawn(open(loop(), std::move(connection), made));
    constexpr std::string_view greeting{"\0\0\0\4\0\0\0\0\0", 9};  // SETTINGS without any
    server.say(greeting);
    settle();
    fuzz::expect(made.has_value() && made->has_value(), "a greeting opens the connection");
    return (**made)->take_place();
  }
  static transport::task<> open(transport::loop& on, std::unique_ptr<transport::channel> below, opened& into) {
    into = co_await http2::connection::open(on, std::move(below), 1, on.now() + std::chrono::seconds{10});
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static line subject;
  auto bytes = fuzz::text_of(data, size);
  // Where an answer names no length each piece becomes a chunk, and of tiny ones less is taken.
  const std::size_t piece = 16 + fuzz::take_number(bytes) % 64;
  const auto whole = subject.hear(bytes, std::max<std::size_t>(1, bytes.size()));
  fuzz::expect_the_same(whole, subject.hear(bytes, piece));
  fuzz::expect(!whole.surplus, "a stream has nothing behind its end");
  return 0;
}
