#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "store/redis/link.hpp"

namespace gateway::store::redis {

// Hears what is published on some channels, over a connection of its own that is reopened in the background. Of one
// loop. Redis keeps no message for who is away: after `subscribed` look at the data itself.
class subscriber final : private link::user {
 public:
  // None may destroy the subscriber nor throw.
  struct handlers {
    // Every channel is subscribed, for the first time or again: messages may have been missed before.
    std::function<void()> subscribed;
    std::function<void(std::string_view channel, std::string_view message)> message;
    // The server does not let us, in its own words; it is tried again. May be null.
    std::function<void(std::string_view why)> refused{};
  };

  // The server is asked for a sign of life after `ping_every` of silence, and given up after as much again.
  // `channels`: at least one.
  subscriber(link::parts given, std::vector<std::string> channels, handlers told,
             time::duration ping_every = std::chrono::seconds{5});

  // Once; begins to connect.
  void start() { link_.start(); }
  // All channels are, at present.
  bool subscribed() const noexcept { return connection_ != nullptr && confirmed_ == channels_.size(); }

 private:
  class alarm final : public time::deadline {
   public:
    explicit alarm(subscriber& owner) noexcept : owner_{owner} {}

   private:
    void expired() override { owner_.silent(); }
    subscriber& owner_;
  };

  void up(redis::connection& now) override;
  void down() noexcept override;
  void heard(const reply& what);
  void refused(const trouble& why);
  void silent();

  std::vector<std::string> channels_;
  handlers told_;
  time::duration ping_every_;
  redis::connection* connection_ = nullptr;
  std::size_t confirmed_ = 0;
  bool asked_for_a_sign_ = false;
  alarm alarm_{*this};
  link link_;
};

}  // namespace gateway::store::redis
