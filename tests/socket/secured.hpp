#pragma once
// A gateway that its callers reach by TLS, and the certificates for it.

#include "simulator/server/certificate.hpp"
#include "socket/started.hpp"

namespace gateway::socket_tests {

// The files of a listener, mounted as an orchestrator mounts secrets: `tls` is a link to a folder, and a change is
// another folder to which the link is swung in one step.
class mounted_tls {
 public:
  explicit mounted_tls(const support::scratch_folder& in) : in_{in} {}

  void mount(const simulator::identity& server, const std::string& client_authorities);
  // Below `api` or `admin`: tls: { ... }.
  std::string yaml() const;

 private:
  const support::scratch_folder& in_;
  int mounted_ = 0;
};

// A client's certificate and key in files.
connection::trust as_client(const support::scratch_folder& in, const std::string& name, const std::string& server_ca,
                            const simulator::identity& who);

// portal: by key or as DNS:portal.internal; batch: as spiffe://example.internal/batch; tool: by key.
struct known_callers {
  caller_key portal = make_caller_key("portal");
  caller_key tool = make_caller_key("tool");
  std::string yaml() const;
};

simulator::identity client_certificate(const simulator::identity& authority, const std::string& host,
                                       std::vector<std::string> uris = {}, simulator::validity valid = {});

}  // namespace gateway::socket_tests
