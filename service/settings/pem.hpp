#pragma once

#include <string>
#include <string_view>

namespace gateway::settings {

// What is wrong with the text as a file of PEM certificates, or "".
std::string certificates_complaint(std::string_view pem);

// What is wrong with the text as an unencrypted PEM private key, or "".
std::string private_key_complaint(std::string_view pem);

// Whether the key belongs to the first certificate; both must be without complaint.
bool key_fits(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace gateway::settings
