#include "onboarding/body_faults.hpp"

namespace gateway::onboarding {

errors::failure malformed(const json::scan_error& e) {
  errors::failure f;
  f.id = errors::problem::malformed_request;
  f.detail = "The body cannot be read: " + e.reason + ".";
  return f;
}

errors::failure invalid(std::vector<errors::fault> faults) {
  errors::failure f;
  f.id = errors::problem::validation_failed;
  f.detail = faults.size() == 1 ? "The body has one fault, " : "The body has faults, ";
  f.detail += "named in `errors`. Nothing was sent to Podero.";
  f.faults = std::move(faults);
  return f;
}

}  // namespace gateway::onboarding
