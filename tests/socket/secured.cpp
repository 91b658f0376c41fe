#include "socket/secured.hpp"

#include <filesystem>

namespace gateway::socket_tests {

void mounted_tls::mount(const simulator::identity& server, const std::string& client_authorities) {
  const auto folder = "tls-" + std::to_string(++mounted_);
  std::filesystem::create_directory(in_.path(folder));
  in_.write(folder + "/tls.crt", server.certificate_pem);
  in_.write(folder + "/tls.key", server.key_pem);
  in_.write(folder + "/clients.pem", client_authorities);
  std::filesystem::create_symlink(folder, in_.path("tls.new"));
  std::filesystem::rename(in_.path("tls.new"), in_.path("tls"));
}

std::string mounted_tls::yaml() const {
  const auto folder = in_.path("tls");
  return "tls: { certificate_file: " + folder + "/tls.crt, private_key_file: " + folder +
         "/tls.key, client_ca_file: " + folder + "/clients.pem }";
}

connection::trust as_client(const support::scratch_folder& in, const std::string& name, const std::string& server_ca,
                            const simulator::identity& who) {
  return {.ca_file = server_ca,
          .certificate_file = in.write(name + ".crt", who.certificate_pem),
          .private_key_file = in.write(name + ".key", who.key_pem)};
}

std::string known_callers::yaml() const {
  return portal.yaml + "    certificate_san: [ portal.internal ]\n    accounts: [ sandbox ]\n" +
         tool.yaml.substr(tool.yaml.find('\n') + 1) + "    accounts: [ sandbox ]\n" +
         "  batch:\n    certificate_san: [ spiffe://example.internal/batch ]\n    accounts: [ sandbox ]\n";
}

simulator::identity client_certificate(const simulator::identity& authority, const std::string& host,
                                       std::vector<std::string> uris, simulator::validity valid) {
  return simulator::make_certificate(
      authority, {.host_names = {host}, .valid = valid, .used_by = simulator::usage::client, .uris = std::move(uris)});
}

}  // namespace gateway::socket_tests
