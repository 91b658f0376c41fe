#pragma once

#include <optional>
#include <string>

#include "foundation/http/chunks.hpp"
#include "foundation/transport/channel.hpp"
#include "listener/batch.hpp"
#include "listener/exchange.hpp"
#include "listener/server.hpp"

namespace gateway::listener {

// The bytes of one batch: reads lines while there is room for them and writes answers as they come, both at once over
// one connection. Nothing is read while a line waits for its turn or answers wait for their reader.
class batch_stream final : private transport::readiness::observer {
 public:
  struct parts {
    transport::loop& loop;
    transport::channel& connection;
    exchange& x;
    handler& requests;
    std::shared_ptr<batch> work;
    const server_options& options;
    const bool& draining;
  };
  explicit batch_stream(parts given);
  ~batch_stream();
  batch_stream(const batch_stream&) = delete;
  batch_stream& operator=(const batch_stream&) = delete;

  // `head` is the answer's header, with its empty line. False: the caller is gone, nobody has read the end.
  transport::task<bool> run(std::string head);

 private:
  enum class step : std::uint8_t { wait, again, gone };

  void channel_event() override;
  step write();
  step read();
  void decode(std::string_view bytes);
  void draw();
  void look_at_the_clock();
  void stop(errors::problem why, std::string detail);
  bool wants_input() const noexcept;
  void pack();
  time::instant look_again() const;

  parts parts_;
  line_splitter lines_;
  http::chunk_reader chunks_;
  std::string undecoded_;
  std::uint64_t left_ = 0;  // of a body of known length
  bool body_over_ = false;
  std::optional<errors::failure> stopped_;  // nothing more is read or begun
  bool summarised_ = false;
  std::string sending_;  // as it is on the wire; unchanged until it is out
  std::size_t sent_ = 0;
  time::instant moved_in_{};
  time::instant moved_out_{};
  std::optional<time::instant> later_;
  transport::parking* waiting_ = nullptr;
};

}  // namespace gateway::listener
