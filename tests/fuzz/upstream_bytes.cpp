// Any bytes as what Podero's server sends after a request, through the real exchange: in one piece and in small ones
// they are the same answer, or none for the same kind of reason.
#include "fuzz/exchange_line.hpp"

namespace {

using namespace gateway;

class line final : public fuzz::exchange_line {
  std::unique_ptr<transport::channel> over(std::unique_ptr<transport::channel> connection,
                                           support::memory_peer& /*server*/) override {
    return connection;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static line subject;
  auto bytes = fuzz::text_of(data, size);
  const std::size_t piece = 1 + fuzz::take_number(bytes) % 16;
  fuzz::expect_the_same(subject.hear(bytes, std::max<std::size_t>(1, bytes.size())), subject.hear(bytes, piece));
  return 0;
}
