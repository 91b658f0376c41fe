#include "simulator/model/operation.hpp"

namespace simulator {

operation classify(std::string_view method, std::string_view target) noexcept {
  auto path = target.substr(0, target.find('?'));
  if (path == "/oauth2/token/" || path == "/oauth2/token") return operation::token;
  if (!path.starts_with("/api/"))
    return path == "/favicon.ico" || path == "/robots.txt" ? operation::other : operation::connect;
  if (!path.starts_with(api_prefix)) return operation::other;
  path.remove_prefix(api_prefix.size());
  if (path == "device-onboarding") return method == "POST" ? operation::create : operation::other;
  if (path.starts_with("device-onboarding/")) return operation::read;
  if (!path.starts_with("org/")) return operation::other;
  if (path.ends_with("/users")) return operation::users;
  return path.find("/heat-pumps") != std::string_view::npos ? operation::devices : operation::other;
}

}  // namespace simulator
