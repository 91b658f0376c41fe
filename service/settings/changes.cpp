#include "settings/changes.hpp"

#include "settings/load.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <map>

namespace gateway::settings {
namespace {

using path = std::vector<std::string>;  // names may have dots in them

constexpr std::array table{
    change_row{"callers.*.key_sha256", takes::at_once},
    change_row{"callers.*.certificate_san", takes::at_once},
    change_row{"callers.*.accounts", takes::at_once},
    change_row{"callers.*.weight", takes::at_once},
    change_row{"callers.*.redirect_hosts", takes::at_once},
    change_row{"callers.*.defaults", takes::at_once},
    change_row{"callers.*.limits", takes::at_once_unless_shared},
    change_row{"callers", takes::at_once_unless_shared},  // that there is one more, or one less
    change_row{"accounts.*.token.client_id", takes::at_once},
    change_row{"accounts.*.token.client_id_file", takes::at_once},
    change_row{"accounts.*.token.client_secret", takes::at_once},
    change_row{"accounts.*.token.client_secret_file", takes::at_once},
    change_row{"accounts.*.timeouts", takes::at_once},
    change_row{"accounts.*.retries.attempts", takes::at_once},
    change_row{"accounts.*.limits.degraded_share", takes::restart},
    change_row{"accounts.*.limits.queue", takes::at_once},
    change_row{"accounts.*.limits", takes::at_once_unless_shared},
    change_row{"accounts.*.pause", takes::at_once_unless_shared},
    change_row{"accounts.*.session_reuse", takes::at_once},
    change_row{"accounts.*.require_idempotency_key", takes::at_once},
    change_row{"accounts.*.max_wait_state", takes::at_once},
    change_row{"accounts.*.completion_polls", takes::at_once},
    change_row{"accounts.*.devices", takes::at_once},
    change_row{"accounts.*.allow_http_redirects", takes::at_once},
    change_row{"accounts.*.unknown_members", takes::at_once},
    change_row{"accounts.*.languages", takes::at_once},
    change_row{"accounts.*.price_zones", takes::at_once},
    change_row{"accounts.*.defaults", takes::at_once},
    change_row{"accounts", takes::restart},
    change_row{"test_accounts.*.open_sessions", takes::at_once_unless_shared},
    change_row{"test_accounts.*.slot_ttl", takes::at_once_unless_shared},
    change_row{"test_accounts.*.limits", takes::at_once_unless_shared},
    change_row{"test_accounts", takes::restart},
    change_row{"drain", takes::at_once},
    change_row{"log.level", takes::at_once},
    change_row{"log", takes::restart},
    change_row{"listeners", takes::restart},
    change_row{"control_socket", takes::restart},
    change_row{"threads", takes::restart},
    change_row{"allow_anonymous", takes::restart},
    change_row{"shared_state", takes::restart},
    change_row{"overload", takes::restart},
    change_row{"tracing", takes::restart},
};

path pieces(std::string_view text) {
  path out;
  for (;;) {
    const auto dot = text.find('.');
    out.emplace_back(text.substr(0, dot));
    if (dot == std::string_view::npos) return out;
    text.remove_prefix(dot + 1);
  }
}

const change_row* row_of(const path& key) {
  for (const auto& row : table) {
    const auto wanted = pieces(row.keys);
    if (wanted.size() > key.size()) continue;
    const auto fits = [](const std::string& w, const std::string& is) { return w == "*" || w == is; };
    if (std::equal(wanted.begin(), wanted.end(), key.begin(), fits)) return &row;
  }
  return nullptr;
}

// Every key with its value as it would be written. A mapping stands there, too, so that one that comes or goes shows.
void flatten(const YAML::Node& node, path& at, std::map<path, std::string>& out) {
  if (!node.IsMap()) {
    out[at] = YAML::Dump(node);
    return;
  }
  out[at] = "";
  for (const auto& one : node) {
    at.push_back(one.first.as<std::string>());
    flatten(one.second, at, out);
    at.pop_back();
  }
}

std::map<path, std::string> flat(const configuration& c) {
  std::map<path, std::string> out;
  path at;
  flatten(YAML::Load(print(c)), at, out);
  return out;
}

class comparison {
 public:
  explicit comparison(bool shared) : shared_{shared} {}

  void differs(const path& key) {
    const auto* row = row_of(key);
    const auto effect = row == nullptr ? takes::restart : row->effect;
    std::string name;
    for (const auto& piece : key) name += name.empty() ? piece : "." + piece;
    found_[name] = effect == takes::restart || (effect == takes::at_once_unless_shared && shared_);
  }
  void secret(const path& key, const secret_value& before, const secret_value& after) {
    if (!same(before.content, after.content)) differs(key);
  }
  // Whoever needs it reads its file again by itself: with the same file there is nothing to take over.
  void secret_read_again(const path& key, const secret_value& before, const secret_value& after) {
    if (before.file.empty() || before.file != after.file) secret(key, before, after);
  }

  std::vector<difference> all() const {
    std::vector<difference> out;
    for (const auto& [name, restart] : found_) out.push_back({name, restart});
    return out;
  }

 private:
  bool shared_;
  std::map<std::string, bool> found_;
};

}  // namespace

std::span<const change_row> change_table() noexcept {
  return table;
}

takes effect_of(std::string_view known_key) {
  const auto* row = row_of(pieces(known_key));
  return row == nullptr ? takes::restart : row->effect;
}

std::vector<difference> differences(const configuration& before, const configuration& after) {
  comparison found{before.shared_state.store == store_kind::redis};
  const auto old = flat(before);
  const auto now = flat(after);
  for (const auto& [key, value] : old) {
    const auto other = now.find(key);
    if (other == now.end() || other->second != value) found.differs(key);
  }
  for (const auto& [key, value] : now)
    if (!old.contains(key)) found.differs(key);
  for (const auto& [name, account] : before.accounts) {
    const auto other = after.accounts.find(name);
    if (other == after.accounts.end()) continue;
    found.secret({"accounts", name, "token", "client_id"}, account.token.client_id, other->second.token.client_id);
    found.secret({"accounts", name, "token", "client_secret"}, account.token.client_secret,
                 other->second.token.client_secret);
  }
  if (before.shared_state.redis && after.shared_state.redis)
    found.secret_read_again({"shared_state", "redis", "password"}, before.shared_state.redis->password,
                            after.shared_state.redis->password);
  return found.all();
}

}  // namespace gateway::settings
