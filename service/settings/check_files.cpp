#include "settings/checks.hpp"
#include "settings/pem.hpp"

#include <optional>

namespace gateway::settings {
namespace {

class file_check {
 public:
  file_check(const environment& env, collector& faults) : env_{env}, faults_{faults} {}

  // The content, if it is there and without complaint.
  std::optional<std::string> holds(const std::string& path, const std::filesystem::path& file,
                                   std::string (*complaint)(std::string_view)) {
    if (faults_.faulty(path) || file.empty()) return std::nullopt;
    auto content = env_.read_file(file);
    if (!content) {
      faults_.add(path, "cannot be read: " + file.string() + ": " + content.error());
      return std::nullopt;
    }
    if (const auto what = complaint(*content); !what.empty()) {
      faults_.add(path, file.string() + " " + what);
      return std::nullopt;
    }
    return *std::move(content);
  }

  void certificates(const std::string& path, const std::optional<std::filesystem::path>& file) {
    if (file) holds(path, *file, certificates_complaint);
  }

  void listener_files(const std::string& path, const listener& one) {
    if (!one.tls) return;
    const auto tls = path + ".tls.";
    const auto certificate = holds(tls + "certificate_file", one.tls->certificate_file, certificates_complaint);
    auto key = holds(tls + "private_key_file", one.tls->private_key_file, private_key_complaint);
    if (certificate && key && !key_fits(*certificate, *key))
      faults_.add(tls + "private_key_file", one.tls->private_key_file.string() +
                                                " does not belong to the first certificate of " +
                                                one.tls->certificate_file.string());
    if (key) secrets::wipe(*key);
    certificates(tls + "client_ca_file", one.tls->client_ca_file);
  }

 private:
  const environment& env_;
  collector& faults_;
};

}  // namespace

void check_files(const configuration& c, const environment& env, collector& faults) {
  file_check check{env, faults};
  check.listener_files("listeners.api", c.listeners.api);
  check.listener_files("listeners.admin", c.listeners.admin);
  for (const auto& [name, a] : c.accounts) check.certificates(member("accounts", name) + ".tls.ca_file", a.tls.ca_file);
  check.certificates("tracing.ca_file", c.tracing.ca_file);
  if (c.shared_state.redis) check.certificates("shared_state.redis.ca_file", c.shared_state.redis->ca_file);
}

}  // namespace gateway::settings
