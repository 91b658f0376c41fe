#pragma once
// The HTML of the Connect pages. Nothing is decided here.

#include "simulator/model/connect_catalogue.hpp"
#include "simulator/model/connect_texts.hpp"
#include "simulator/model/message.hpp"

#include <string>
#include <string_view>

namespace simulator {

struct form_fault {
  std::string_view field;  // "email", "password", "serial_number"
  std::string_view text;
};

struct filled_form {
  std::string email;
  std::string serial_number;
  form_fault fault;  // an empty field name: none
};

// The session's id, given to each page, goes into its links and forms.
response type_page(const connect_texts& texts, std::string_view session_id);
response manufacturer_page(const connect_texts& texts, std::string_view session_id, device_type type);
response proof_page(const connect_texts& texts, std::string_view session_id, const manufacturer& from,
                    const filled_form& filled);
response link_page(const connect_texts& texts, std::string_view session_id, const manufacturer& from);
response unknown_page(const connect_texts& texts);
response expired_page(const connect_texts& texts);
response linked_page(const connect_texts& texts, std::string_view return_url);

response redirect(std::string_view url);  // 303

}  // namespace simulator
