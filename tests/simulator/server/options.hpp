#pragma once

#include "simulator/model/settings.hpp"
#include "simulator/server/server.hpp"

#include <string>
#include <variant>
#include <vector>

namespace simulator {

struct options {
  settings model;
  endpoints where;
  bool public_url_given = false;
  std::vector<std::string> host_names;  // further names in the certificate
  std::string certificate_file;         // both or none
  std::string key_file;
  std::string ca_out;
  std::string ports_file;
};

// Instead of running: print the text and end with that code (0: --help and --version, 2: bad usage).
struct parting_words {
  int exit_code = 0;
  std::string text;
};

std::variant<options, parting_words> read_options(int count, const char* const* arguments);

// The URL that authentication_url begins with where none was given.
std::string own_url(const options& given, unsigned short port);

}  // namespace simulator
