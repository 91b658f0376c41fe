#pragma once

#include "settings/certificate_names.hpp"
#include "settings/keys/limits.hpp"

namespace gateway::settings {

void describe(auto& see, caller& c) {
  see("key_sha256", c.key_sha256, not_empty);
  see("certificate_san", c.certificate_san, not_empty, certificate_name_form);
  see("accounts", c.accounts, required, not_empty);
  see("weight", c.weight, within(1, 1000));
  see("limits", c.limits, named_by{name_form});
  see("redirect_hosts", c.redirect_hosts.patterns, not_empty);
  see("defaults", c.defaults);
}

}  // namespace gateway::settings
