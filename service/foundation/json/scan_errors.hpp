#pragma once

#include "foundation/json/scanner.hpp"

#include <boost/json/error.hpp>

namespace gateway::json {

// The unhappy paths of the scanner: from a parser's error to words and a place. `byte` is where the parser stopped.
scan_error explain(std::string_view text, std::size_t byte, const boost::json::error_code& ec,
                   const scan_limits& limits);

// `ordinal`: which key of the text, counted from 1, repeats an earlier one of its object.
scan_error duplicate_at(std::string_view text, std::size_t ordinal);

scan_error trailing_at(std::string_view text, std::size_t byte);

}  // namespace gateway::json
