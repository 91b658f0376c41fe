#pragma once

#include <array>
#include <string_view>

namespace simulator {

// Everything that the Connect pages say, in one language.
struct connect_texts {
  std::string_view language;
  std::string_view product;
  std::string_view step;  // "Step {n} of 4"
  std::string_view choose_type;
  std::string_view choose_type_lead;
  std::array<std::string_view, 4> types;  // in the order of device_type
  std::string_view choose_manufacturer;
  std::string_view choose_manufacturer_lead;
  std::array<std::string_view, 3> proofs;  // in the order of proof
  std::string_view sign_in;
  std::string_view sign_in_lead;
  std::string_view email;
  std::string_view password;
  std::string_view password_hint;
  std::string_view serial_title;
  std::string_view serial_lead;
  std::string_view serial;
  std::string_view serial_hint;
  std::string_view gateway_title;
  std::string_view gateway_lead;
  std::string_view gateway_serial;
  std::string_view proceed;
  std::string_view back;
  std::string_view cancel;
  std::string_view found_title;
  std::string_view found_lead;
  std::string_view model;
  std::string_view made_by;
  std::string_view link_device;
  std::string_view error_email;
  std::string_view error_password_missing;
  std::string_view error_password_refused;
  std::string_view error_serial;
  std::string_view unknown_title;
  std::string_view unknown_lead;
  std::string_view expired_title;
  std::string_view expired_lead;
  std::string_view linked_title;
  std::string_view linked_lead;
  std::string_view return_link;
  std::string_view footer;
};

// The texts for "de", "de-AT", ...; English for every language that has none here.
const connect_texts& texts_for(std::string_view language) noexcept;

}  // namespace simulator
