#include "onboarding/metadata.hpp"

#include <boost/json.hpp>

#include <cstring>

namespace gateway::onboarding {

std::string external_metadata_of(std::string_view body) {
  constexpr std::string_view name = "external_metadata";
  constexpr std::size_t most = 1024;
  if (::memmem(body.data(), body.size(), name.data(), name.size()) == nullptr) return {};  // faster than its C++ twin
  boost::json::error_code failed;
  const auto document = boost::json::parse({body.data(), body.size()}, failed);
  if (failed || !document.is_object()) return {};
  const auto* member = document.get_object().if_contains({name.data(), name.size()});
  if (member == nullptr || member->is_null()) return {};
  auto text = boost::json::serialize(*member);
  return text.size() > most ? std::string{} : text;
}

}  // namespace gateway::onboarding
