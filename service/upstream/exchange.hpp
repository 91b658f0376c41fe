#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/http/parser.hpp"
#include "foundation/transport/channel.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/task.hpp"

namespace gateway::upstream {

// How an exchange ended.
enum class exchange_end : std::uint8_t {
  answered,   // a complete answer is there
  lost,       // the connection broke
  timed_out,  // the deadline passed
  unusable    // what came is not HTTP, or larger than allowed
};

// "answered", "lost", "timed_out", "unusable": for logs, metrics and traces.
std::string_view to_string(exchange_end end) noexcept;

// One answer, with the memory it lives in; kept between uses. Views in `head` and `body` are valid until the next use.
struct answer {
  http::answer_head head;
  std::string_view body;
  bool keep_alive = false;
  bool surplus = false;  // more came than the answer: the two sides disagree where it ends
  // For how long the server says that it keeps an idle connection (Keep-Alive: timeout=N), where it does.
  std::optional<std::chrono::seconds> keeps_idle_for;

  std::string received;  // head, and the body where it has a length
  std::string decoded;   // a chunked body
};

struct exchange_result {
  exchange_end end = exchange_end::lost;
  // The last byte of the request was handed to the socket: from here on the server may have acted on it.
  bool sent = false;
  // Something of the request was offered to the socket; before that, the connection is as it was.
  bool begun = false;
  // At least one byte of an answer came: the server was there and the connection was not stale.
  bool heard = false;
  // It was sent, and the server has said that it did nothing with it (RFC 9113, section 8.7).
  bool unprocessed = false;
  time::instant sent_at{};
  std::string reason;  // for people, where it was not answered, or not as it should be
};

// What the request is, as far as its answer's framing depends on it.
enum class asking : std::uint8_t {
  content,
  tunnel  // CONNECT: after a 2xx the bytes belong to whoever is behind (RFC 9110, section 9.3.6)
};

// Hears of the moment at which the last byte of a request was handed to the socket.
class send_observer {
 public:
  virtual void sent() = 0;

 protected:
  ~send_observer() = default;
};

// Until when a request must be handed to the socket wholly, and who wants to know that it was.
struct sending {
  time::instant by = time::instant::max();
  send_observer* observer = nullptr;
};

// Sends one request and reads one answer, within `deadline`: nothing is sent once it, or `how.by`, has passed. 1xx
// answers are skipped. Cancelled with the channel. The connection may be used again only after `answered` with
// keep_alive.
transport::task<exchange_result> exchange(transport::loop& loop, transport::channel& connection,
                                          std::string_view request, const http::parse_limits& limits, answer& into,
                                          time::instant deadline, asking what = asking::content, sending how = {});

}  // namespace gateway::upstream
