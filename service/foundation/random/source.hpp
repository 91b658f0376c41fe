#pragma once

#include "foundation/time/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace gateway::random {

// Where randomness comes from; given to whoever needs it, never global. An instance belongs to one thread (an event
// loop has its own).
class source {
 public:
  virtual ~source() = default;

  // Fills all of it.
  virtual void fill(std::span<std::byte> into) = 0;

  std::uint64_t next();
  // In [0, 1), with the 53 bits that a double holds.
  double uniform();
};

// OpenSSL's generator, good for keys. Small requests are served from a pool, since each call to the generator costs
// about as much as a short log line and two system calls; bytes are wiped from the pool as they are given out.
class system_source final : public source {
 public:
  system_source() = default;
  ~system_source() override;
  system_source(const system_source&) = delete;
  system_source& operator=(const system_source&) = delete;

  // Throws std::runtime_error if the generator fails: nothing that needs random bytes can go on without them.
  void fill(std::span<std::byte> into) override;

 private:
  static constexpr std::size_t pool_size = 8192;
  std::byte pool_[pool_size];
  std::size_t left_ = 0;  // the last left_ bytes of the pool are unused
};

// The same bytes after the same seed, on every machine. For tests.
class seeded_source final : public source {
 public:
  explicit seeded_source(std::uint64_t seed) : engine_{seed} {}
  void fill(std::span<std::byte> into) override;

 private:
  std::mt19937_64 engine_;
};

// Equal jitter: evenly in [full/2, full). A wait that is spread but never near zero (lessons.md, 32). Zero for a
// duration of zero or less.
time::duration equal_jitter(source& from, time::duration full);

// Evenly in [middle*(1-fraction), middle*(1+fraction)), with the fraction held to 0..1: for ages and renewals that must
// not fall together.
time::duration around(source& from, time::duration middle, double fraction);

}  // namespace gateway::random
