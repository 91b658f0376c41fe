// Any text as the configuration file: faults that say where they are, or a configuration that is printed, read again
// and the same.
#include "fuzz/expect.hpp"
#include "unit/settings/fake_environment.hpp"
#include "unit/settings/made_certificates.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace {

using namespace gateway;
using fuzz::expect;

constexpr std::string_view file = "/etc/gateway/g.yaml";
constexpr std::string_view secret = "example-secret-not-real";

// What the examples name.
settings::fake_environment make_environment() {
  settings::fake_environment env;
  const auto pair = settings::make_pair_of_files();
  for (const auto* path : {"/run/secrets/podero-client-id", "/run/secrets/podero-client-secret",
                           "/run/secrets/redis-password", "/demo/client-secret", "/etc/gateway/a"})
    env.files[path] = secret;
  for (const auto* path :
       {"/run/secrets/tls.crt", "/run/secrets/clients.pem", "/etc/ssl/certs/our-ca.pem", "/demo/ca.pem"})
    env.files[path] = pair.certificate;
  env.files["/run/secrets/tls.key"] = pair.key;
  env.variables["PODERO_SANDBOX_CLIENT_ID"] = "example-id";
  env.variables["PODERO_SANDBOX_CLIENT_SECRET"] = secret;
  env.variables["DEMO_DIR"] = "/demo";
  env.variables["A"] = "1";
  return env;
}

// A plain value may be shown, and so may what a reference puts into one: whether it stands in a key for secrets is not
// seen here. What the files of the `_file` keys hold may never be.
// Host names are shown in lower case.
bool may_show_secret(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text.contains(secret) || text.contains("${file:") || text.contains("${env:podero_sandbox_client_secret}");
}

void check_faults(const std::vector<settings::fault>& faults, bool may_show) {
  expect(!faults.empty(), "a configuration that is refused has faults");
  for (const auto& one : faults) {
    expect(one.at.line > 0 && one.at.column > 0, "a fault has a line and a column");
    expect(!one.what.empty(), "a fault says what is wrong");
    const auto line = one.text();
    const bool is_line =
        std::ranges::none_of(line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
    if (!is_line) std::fputs((line + '\n').c_str(), stderr);
    expect(is_line, "a fault is one line");
    expect(may_show || !line.contains(secret), "a fault shows no content of a secret's file");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto env = make_environment();
  const auto first = settings::parse(fuzz::text_of(data, size), file, env);
  if (!first) {
    check_faults(first.error(), may_show_secret(std::string{fuzz::text_of(data, size)}));
    return 0;
  }
  const auto text = settings::print(*first);
  (void)settings::warnings(*first, 2);
  const auto again = settings::parse(text, file, env);
  if (!again) std::fputs((text + settings::text(again.error())).c_str(), stderr);
  expect(again.has_value(), "what is printed is a configuration");
  if (settings::print(*again) != text) std::fputs((text + settings::print(*again)).c_str(), stderr);
  expect(settings::hash(*again) == settings::hash(*first), "what is printed has the same hash");
  expect(settings::print(*again) == text, "what is printed is printed the same");
  return 0;
}
