#include "app/trusted_authorities.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <fstream>

#include "support/certificates.hpp"

using namespace gateway;

namespace {

struct trusting_world {
  trusting_world() {
    auto pattern = (std::filesystem::temp_directory_path() / "gateway-trust.XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    place = pattern;
    file = place / "ca.pem";
    write(support::certificates().authority.certificate_pem);
  }
  ~trusting_world() { std::filesystem::remove_all(place); }
  // As Kubernetes does it: another file takes its place.
  void write(std::string_view content) const {
    std::ofstream{place / "next", std::ios::binary} << content;
    std::filesystem::rename(place / "next", file);
  }
  std::size_t lines_with(std::string_view text) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(kept.lines(), [&](const std::string& line) { return line.contains(text); }));
  }

  std::filesystem::path place;
  std::filesystem::path file;
  journal::memory_sink kept;
  time::manual_clock clock;
  journal::log log{kept, clock, {.threshold = journal::level::info, .style = journal::format::json}};
  app::trusted_authorities subject{std::make_shared<settings::system_environment>(), log};
};

}  // namespace

TEST_CASE_FIXTURE(trusting_world,
                  "changed authorities are taken over, and who is trusted by the system needs no looking at") {
  CHECK(subject.of("tracing", std::nullopt).has_value());
  CHECK_FALSE(subject.any_to_look_at());
  REQUIRE(subject.of("accounts.sandbox.tls", file).has_value());
  CHECK(subject.any_to_look_at());
  subject.look();
  CHECK(kept.lines().empty());
  write(simulator::make_authority("Others").certificate_pem);
  subject.look();
  subject.look();
  REQUIRE(kept.lines().size() == 1);
  CHECK(kept.lines()[0].contains("certificate authorities read again"));
  CHECK(kept.lines()[0].contains(R"("key":"accounts.sandbox.tls")"));
}

TEST_CASE_FIXTURE(trusting_world, "what cannot be used is said once, and tried again") {
  REQUIRE(subject.of("shared_state.redis", file).has_value());
  for (const auto* unusable : {"", "no certificate"}) {
    write(unusable);
    subject.look();
    subject.look();
  }
  CHECK(lines_with("is empty") == 1);
  CHECK(lines_with("there is no certificate in it") == 1);
  std::filesystem::remove(file);
  subject.look();
  CHECK(lines_with("No such file or directory") == 1);
  CHECK(lines_with("those of before stay in force") == 3);
  write(support::certificates().authority.certificate_pem);
  subject.look();
  CHECK(lines_with("certificate authorities read again") == 1);
}

TEST_CASE_FIXTURE(trusting_world, "at the start what cannot be used is an error that names the key") {
  CHECK(subject.of("tracing", place / "nothing").error() == "tracing.ca_file: No such file or directory");
  write("");
  CHECK(subject.of("tracing", file).error() == "tracing.ca_file: is empty");
  write("no certificate");
  CHECK(subject.of("tracing", file).error() == "tracing: there is no certificate in it");
}
