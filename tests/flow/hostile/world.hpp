#pragma once

#include <cstdint>
#include <optional>

#include "admission/key.hpp"
#include "flow/hostile/rows.hpp"
#include "settings/scalars.hpp"

namespace gateway::flow::hostile {

// One caller with a key, an account that it may use and one that it may not, and hosts that it may send browsers to.
inline std::string guarded_configuration() {
  const std::string account =
      ":\n    base_url: https://podero.test/api/partners/v2.0\n"
      "    token: { client_id: example-client, client_secret_file: /t/secret }\n    tls: { ca_file: /t/ca.pem }\n"
      "    unknown_members: refuse\n";
  return "listeners:\n  api: { address: 127.0.0.1 }\naccounts:\n  sandbox" + account + "  production" + account +
         "callers:\n  portal:\n    key_sha256: \"" + settings::show(admission::digest_of(key)) +
         "\"\n    accounts: [ sandbox ]\n    redirect_hosts: [ my-customerportal.com, \"*.portal.example\" ]\n";
}

struct guarded_world : podero_world {
  guarded_world() : podero_world{guarded_configuration()} {
    always = [this](simulator::response&) { ++reached; };
  }

  // All of it, in as many pieces as the other side takes. False: it takes no more.
  bool deliver(support::memory_peer& to, std::string_view bytes) {
    for (int round = 0; round < 100 && !bytes.empty(); ++round) {
      const auto put = to.try_say(bytes);
      if (put.status == transport::io_status::failed) return false;
      bytes.remove_prefix(put.bytes);
      w.settle();
    }
    return bytes.empty();
  }

  std::size_t reached = 0;  // requests of the API that came to Podero
};

inline std::string member_of(const answer& got, std::string_view name) {
  return text_of(got.body, name);
}
inline std::string header_of(const answer& got, const std::string& name) {
  const auto found = got.headers.find(name);
  return found == got.headers.end() ? std::string{} : found->second;
}

}  // namespace gateway::flow::hostile
