#pragma once

#include "simulator/server/certificate.hpp"
#include "tls/context.hpp"

namespace gateway::support {

// One authority and one server certificate for the whole test program: making them takes milliseconds, and nothing
// changes them.
struct test_certificates {
  simulator::identity authority = simulator::make_authority("Test CA");
  simulator::identity server = simulator::make_certificate(authority, {.host_names = {"podero.test", "localhost"}});
};
inline const test_certificates& certificates() {
  static const test_certificates made;
  return made;
}

inline std::shared_ptr<tls::client_context> trusting(const simulator::identity& authority) {
  tls::client_options options;
  options.ca_pem = authority.certificate_pem;
  return tls::client_context::make(options).value();
}

inline std::shared_ptr<tls::server_context> serving(const simulator::identity& server) {
  return tls::server_context::make(
             {.certificate_pem = server.certificate_pem, .private_key_pem = secrets::secret{server.key_pem}})
      .value();
}

}  // namespace gateway::support
