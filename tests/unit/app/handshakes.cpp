#include "app/handshakes.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace gateway;
using namespace std::chrono_literals;
using tls::handshake_end;

namespace {

struct instrumented {
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
  subject.shaken(handshake_end::done, false, "");
  subject.shaken(handshake_end::done, true, "");
  subject.shaken(handshake_end::done, true, "");
  subject.shaken(handshake_end::refused_certificate, false, "expired");
  CHECK(counted("full") == 1);
  CHECK(counted("resumed") == 2);
  CHECK(counted("certificate_refused") == 1);
}

TEST_CASE_FIXTURE(instrumented, "a failure is a line with its reason; success and those who only look are none") {
  subject.shaken(handshake_end::done, false, "");
  subject.shaken(handshake_end::left, false, "the peer closed the connection during the handshake");
  CHECK(kept.lines().empty());
  subject.shaken(handshake_end::failed, false, "unsupported protocol");
  REQUIRE(kept.lines().size() == 1);
  CHECK(kept.lines()[0].contains("TLS handshake failed"));
  CHECK(kept.lines()[0].contains("unsupported protocol"));
}

TEST_CASE_FIXTURE(instrumented, "a flood of failures makes few lines, and the next one says how many were left out") {
  for (int i = 0; i < 100; ++i) subject.shaken(handshake_end::plain_http, false, "http request");
  CHECK(kept.lines().size() == 5);
  clock.advance(1s);
  subject.shaken(handshake_end::plain_http, false, "http request");
  REQUIRE(kept.lines().size() == 6);
  CHECK(kept.lines()[5].contains("\"unsaid\":95"));
  CHECK(counted("plain_http") == 101);
}
