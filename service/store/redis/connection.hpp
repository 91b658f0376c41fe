#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "foundation/transport/channel.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/parking.hpp"
#include "store/redis/command.hpp"
#include "store/redis/pipeline.hpp"
#include "store/redis/reply_reader.hpp"

namespace gateway::store::redis {

struct connection_options {
  pipeline_options pipelining;
  reply_limits limits;
};

// One open connection of one loop: many coroutines have commands outstanding on it, which are written in the order in
// which they were asked, all those of a turn of the loop at once. It ends by itself (see `over`), and all that wait for
// answers then learn that they are lost.
class connection final : private transport::readiness::observer, private transport::ready_item {
 public:
  connection(transport::loop& loop, std::unique_ptr<transport::channel> channel, connection_options options);
  // Whoever still waits is told `lost`.
  ~connection() override;

  // Takes commands. No longer so once it is broken, or the server has said that it will not work (meaning_of).
  bool usable() const noexcept { return !ending_; }

  // Sends all of them, or none, and waits for the answers until `deadline`: one outcome per command, in their order.
  // Destroying the task abandons what is outstanding; commands that were not handed to the socket are then never sent.
  transport::task<std::vector<outcome>> ask_all(std::vector<command> commands, time::instant deadline);
  // The same for one, without a vector.
  transport::task<outcome> ask(command what, time::instant deadline);

  // Subscribe mode: commands to which the server does not answer in their place, and who hears what it sends instead.
  void send_unanswered(const command& what);
  // `what` must not destroy the connection and must not throw.
  void on_push(std::function<void(const reply&)> what) { on_push_ = std::move(what); }

  // Ends it, for that reason. Safe from within `on_push`.
  void close(std::string reason);
  // Waits until it has ended: why. One waiter; the connection outlives it.
  transport::task<std::string> over();

 private:
  class round_trip;
  class alarm final : public time::deadline {
   public:
    explicit alarm(connection& owner) noexcept : owner_{owner} {}

   private:
    void expired() override { owner_.patience_ended(); }
    connection& owner_;
  };

  pipeline::number add(const command& what, pipeline::asker& who);
  std::optional<trouble> refusal(std::size_t commands, time::instant deadline) const;
  void channel_event() override;
  void run() override;  // writes what this turn of the loop has brought
  void read_some();
  void write_some();
  void take_complete();
  void take(reply what);
  void settle_alarm();
  void patience_ended();

  transport::loop& loop_;
  std::unique_ptr<transport::channel> channel_;
  pipeline pipeline_;
  reply_reader reader_;
  std::function<void(const reply&)> on_push_;
  alarm alarm_{*this};
  std::optional<std::string> ending_;  // why; set when no more is taken
  bool broken_ = false;
  bool overdue_ = false;
  transport::parking* waiting_for_end_ = nullptr;
};

}  // namespace gateway::store::redis
