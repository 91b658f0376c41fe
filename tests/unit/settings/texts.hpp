#pragma once

#include <string>
#include <string_view>

namespace gateway::settings {

// The least that is a configuration; tests add to it.
inline constexpr std::string_view least = R"(listeners: { api: { address: 127.0.0.1 } }
accounts:
  sandbox:
    base_url: https://sandbox-app.podero.com/api/partners/v2.0
    token: { client_id: example-id, client_secret: example-secret-not-real }
)";

inline std::string least_and(std::string_view more) {
  return std::string{least} + std::string{more};
}

}  // namespace gateway::settings
