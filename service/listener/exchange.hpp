#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/errors/problem.hpp"
#include "foundation/http/head.hpp"
#include "foundation/http/parser.hpp"
#include "foundation/time/clock.hpp"
#include "foundation/trace/request_id.hpp"
#include "foundation/trace/tracer.hpp"
#include "foundation/transport/channel.hpp"
#include "foundation/transport/departure.hpp"

namespace gateway::listener {

class caller_certificate;
class batch;
class postponed;

// What is answered. The memory is kept between uses.
struct reply {
  unsigned status = 0;  // 0: not answered yet
  std::string_view content_type = "application/json";
  std::string lines;  // further header lines, each with its line end
  std::string body;
  bool close = false;      // the connection ends with this answer
  bool head_only = false;  // an answer to HEAD: the body is measured and not sent

  void clear() noexcept;
  void add_line(std::string_view name, std::string_view value);
};

// Writes a complete response into `out`. `date` is an IMF-fixdate (RFC 9110 section 5.6.7).
void serialise(const reply& from, std::string_view date, bool keep_alive, std::string& out);

// The header of an answer whose body is streamed, in chunks or up to the end of the connection, which ends with it.
std::string stream_head(const reply& from, std::string_view date, bool chunked);

// What a handler keeps per exchange, made once and used again.
class scratch {
 public:
  virtual ~scratch() = default;
};

// The caller is no longer there to be answered.
errors::failure caller_left();

// What became of the lines of a batch.
struct batch_totals {
  std::size_t lines = 0;  // begun, or refused before: more than the rest together while some are under way
  std::size_t created = 0;
  std::size_t reused = 0;
  std::size_t replayed = 0;
  std::size_t failed = 0;
  bool complete = false;                        // read to its end, and answered to its end
  std::uint64_t problems = 0;                   // that lines were answered with: a bit each
  errors::effect worst = errors::effect::none;  // of a line: what nobody knows is worse than what was created
};

// What logs and metrics say of a request, set by the handler as it learns it: fixed texts of the service or its
// configuration, and small numbers that stand for them (0: none).
struct request_facts {
  std::string_view route = "none";
  std::string_view pattern;  // of the route
  std::string_view caller;
  std::string_view account;
  std::string_view account_of_path;  // a configured one, also of who may not use it or is not known: for logs alone
  std::string_view problem;
  std::uint8_t route_number = 0;
  std::uint16_t caller_number = 0;
  std::uint8_t account_number = 0;
  std::uint8_t problem_number = 0;
  errors::effect effect = errors::effect::none;
  std::optional<errors::guard> guard;  // which one refused it
  bool abandoned = false;              // nobody heard the answer: the caller had left
  trace::place trace;
  trace::short_text<36> session;  // the id of the onboarding session that it is about, once it is known to be one
};

// One request and its answer, with the memory they need. Pooled: a connection holds one only from the first byte of a
// request to the last byte of its answer.
struct exchange : request_facts {
  std::string input;  // the head, and what came behind it
  http::request_head head;
  std::size_t head_size = 0;
  std::optional<http::request_parser> parser;
  std::string_view body;
  std::string collected;  // the body, where it did not come in one piece with the head
  std::string following;  // what came behind a chunked body
  trace::request_id request_id;
  time::instant began{};                           // when the first byte was read
  transport::departure caller_left;                // while the request is handled
  caller_certificate* certificate = nullptr;       // of the connection; none: the caller showed none
  const transport::channel* connection = nullptr;  // that it came over; none: it has ended

  listener::reply reply;
  std::string output;

  std::unique_ptr<listener::scratch> scratch;
  std::shared_ptr<listener::batch> batch;  // set by the handler: the body is a stream of lines for it
  std::optional<batch_totals> lines;       // once it is over
  // Set by the handler instead of an answer: that comes later, and needs no exchange until then.
  std::unique_ptr<listener::postponed> later;

  exchange();
  ~exchange();
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;
  void begin_request() noexcept;
};

// Answers with a problem document. Whatever the reply held is replaced.
void answer_with(exchange& x, const errors::failure& failure);

// The caller has left, and nobody reads the answer. For logs and metrics: what ended for that alone has the status 499,
// and no problem, because 408 is a request that did not arrive.
void mark_abandoned(exchange& x) noexcept;

}  // namespace gateway::listener
