#include "app/store_instrument.hpp"

namespace gateway::app {

void store_instrument::connected(const store::redis::server_facts& facts) noexcept {
  said_failing_ = false;
  if (log_ != nullptr) log_->info("connected to the shared store", {{"redis_version", facts.redis_version}});
  if (connected_) connected_(facts);
}

// The first time; what follows is the same until it works again.
void store_instrument::connect_failed(std::string_view reason, time::duration) noexcept {
  if (log_ == nullptr || std::exchange(said_failing_, true)) return;
  log_->warn("the shared store cannot be reached; it is tried again and again", {{"reason", reason}});
}

void store_instrument::disconnected(std::string_view reason, time::duration) noexcept {
  if (log_ != nullptr) log_->warn("the connection to the shared store is over", {{"reason", reason}});
}

void store_instrument::ended(std::string_view name, time::duration took, const store::redis::trouble* why) noexcept {
  durations_.observe(took);
  // Of a hint that is refused shared_store says so, once.
  if (why != nullptr && why->what == store::redis::trouble::kind::error && name != "PUBLISH")
    refusals_.refused(name, why->reason, loop_.now());
  if (why == nullptr) refusals_.answered(name);
  // The first loop asks at least every few seconds.
  if (log_ != nullptr) refusals_.tell(loop_.now());
}

void record_instrument::unreadable() noexcept {
  log_.error("a record in the shared store is not what was written there; its key counts as unknown",
             {{"account", account_}});
}

void record_instrument::not_recorded(store::key_event) noexcept {
  log_.warn("what became of an idempotency key could not be recorded in time; its lease's end will say",
            {{"account", account_}});
}

}  // namespace gateway::app
