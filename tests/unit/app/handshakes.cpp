#include "app/handshakes.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

using namespace gateway;
using namespace std::chrono_literals;
using tls::handshake_end;

namespace {

// Of which nothing is asked but where it comes from.
struct addressed_channel final : transport::channel {
  transport::io_result try_read(std::span<char>) noexcept override { return {}; }
  transport::io_result try_write(std::span<const char>) noexcept override { return {}; }
  void finish() noexcept override {}
  transport::readiness& ready() noexcept override { std::abort(); }
  std::optional<boost::asio::ip::address> peer_address() const override {
    return boost::asio::ip::make_address("203.0.113.7");
  }
  std::string reason() const override { return {}; }
};

struct instrumented {
  const addressed_channel over;
  journal::memory_sink kept;
  time::manual_clock clock;
  journal::log log{kept, clock, {.threshold = journal::level::info, .style = journal::format::json}};
  metrics::catalogue catalogue;
  metrics::gateway_metrics families{catalogue};
  metrics::registry registry{catalogue};
  app::handshake_instrument subject{"api", families, registry.add_shard(), log, clock};

  double counted(const std::string& outcome) const {
    const auto page = metrics::render(registry);
    const auto series = "\nonboarding_gateway_tls_handshakes_total{listener=\"api\",outcome=\"" + outcome + "\"} ";
    const auto at = page.find(series);
    return at == std::string::npos ? -1 : std::stod(page.substr(at + series.size()));
  }
};

}  // namespace

TEST_CASE_FIXTURE(instrumented, "every end of a handshake is counted under its name, from the start") {
  for (const auto* outcome :
       {"full", "resumed", "left", "timed_out", "given_up", "plain_http", "certificate_refused", "failed"})
    CHECK(counted(outcome) == 0);
  subject.shaken(handshake_end::done, false, "", over);
  subject.shaken(handshake_end::done, true, "", over);
  subject.shaken(handshake_end::done, true, "", over);
  subject.shaken(handshake_end::refused_certificate, false, "expired", over);
  CHECK(counted("full") == 1);
  CHECK(counted("resumed") == 2);
  CHECK(counted("certificate_refused") == 1);
}

TEST_CASE_FIXTURE(instrumented, "a failure is a line with its reason; success and those who only look are none") {
  subject.shaken(handshake_end::done, false, "", over);
  subject.shaken(handshake_end::left, false, "the peer closed the connection during the handshake", over);
  CHECK(kept.lines().empty());
  subject.shaken(handshake_end::failed, false, "unsupported protocol", over);
  REQUIRE(kept.lines().size() == 1);
  CHECK(kept.lines()[0].contains(R"("msg":"TLS handshake failed","listener":"api","peer":"203.0.113.7","end":)"));
  CHECK(kept.lines()[0].contains("unsupported protocol"));
}

TEST_CASE_FIXTURE(instrumented, "a flood of failures makes few lines, and the next one says how many were left out") {
  for (int i = 0; i < 100; ++i) subject.shaken(handshake_end::plain_http, false, "http request", over);
  CHECK(kept.lines().size() == 5);
  clock.advance(1s);
  subject.shaken(handshake_end::plain_http, false, "http request", over);
  REQUIRE(kept.lines().size() == 6);
  CHECK(kept.lines()[5].contains("\"unsaid\":95"));
  CHECK(counted("plain_http") == 101);
}
