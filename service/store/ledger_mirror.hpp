#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/ledger_answers.hpp"
#include "store/shared_options.hpp"
#include "store/tally.hpp"

namespace gateway::store {

// What this replica knows of the books that Redis keeps, for estimates: all that was sent or is reserved, by anybody,
// but not what this replica holds in reserve, as that can be had. Never what a permit is drawn by.
class ledger_mirror {
 public:
  ledger_mirror(ledger_rules rules, const shared_options& options);

  tally& books() noexcept { return books_; }
  const tally& books() const noexcept { return books_; }

  // Where it stands, for the script.
  struct place {
    std::string generation = "-";
    std::int64_t appended = 0;
  };
  const place& of_ring(std::uint32_t resource) const noexcept { return places_[resource]; }
  const std::string& epoch() const noexcept { return epoch_; }
  const std::string& changes() const noexcept { return changes_; }

  // What an answer says of a ring. `asked_at`: where the mirror stood when it was asked; `reserved`: the instants of
  // what is held in reserve on it.
  void learn(std::uint32_t resource, const place& asked_at, const ring_news& news,
             std::span<const server_instant> reserved, const server_clock& clock, time::instant now);
  void learn(std::size_t account, const pace_news& news, const server_clock& clock);
  // Without those of `reserved`.
  void learn(std::span<const slot_news> news, std::string changes, std::span<const std::uint64_t> reserved,
             const server_clock& clock);
  // Another epoch: what is known of rings and pace is told anew. Slots stay until then, so that they can be uploaded.
  void begin(std::string epoch);

  // Permits are not in reserve any more but drawn; or were taken back.
  void drawn(const use& of, server_instant at, std::uint64_t slot, const server_clock& clock);
  void taken_back(std::span<const std::uint32_t> resources, server_instant at, const server_clock& clock);

 private:
  void tell_all(std::uint32_t resource, std::span<const server_instant> stamps, time::instant unknown_before,
                std::span<const server_instant> reserved, const server_clock& clock, time::instant now);
  void add(std::uint32_t resource, time::instant at) {
    books_.histories[resource].draw();
    books_.histories[resource].sent(at);
  }

  const shared_options& options_;
  tally books_;
  std::vector<place> places_;
  // What is told from the beginning and not yet to its end, by resource: until then what was known before counts.
  std::vector<std::optional<std::vector<server_instant>>> told_anew_;
  std::string epoch_ = "-";
  std::string changes_ = "-";
};

}  // namespace gateway::store
