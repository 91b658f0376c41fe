#pragma once

#include <openssl/x509.h>

#include <string>
#include <vector>

#include "foundation/time/clock.hpp"

namespace gateway::tls {

// The names in a certificate that say who somebody is: its subject alternative names of the kinds URI and DNS, written
// "URI:spiffe://example/portal" and "DNS:portal.internal" (RFC 5280 section 4.2.1.6), DNS names in lower case. Names
// with characters that no such name has are left out, and so is the common name (RFC 9525 section 2).
std::vector<std::string> alternative_names(const X509* certificate);

// The end of its validity; the epoch where it states none that can be read.
time::wall_instant expiry_of(const X509* certificate);

}  // namespace gateway::tls
