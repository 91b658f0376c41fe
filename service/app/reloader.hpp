#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "foundation/journal/log.hpp"
#include "foundation/time/clock.hpp"
#include "settings/configuration.hpp"
#include "settings/environment.hpp"
#include "settings/fault.hpp"
#include "settings/file_watch.hpp"

namespace gateway::app {

// The configuration in force, and how it is replaced while the gateway runs: when it is told to, and when the file or
// one that it names has changed. All or nothing: what has a fault, or changes a key that needs a restart, is refused
// whole, loudly, and everything stays as it was.
//
// On the main thread, but for what is said to be for any.
class reloader {
 public:
  struct parts {
    boost::asio::io_context& main;
    std::filesystem::path file;
    std::shared_ptr<const settings::environment> environment;
    std::shared_ptr<const settings::configuration> first;  // read from it
    const time::clock& clock;
    journal::log& log;
    // Takes it over, or says why not and leaves everything as it was.
    std::function<std::expected<void, std::string>(std::shared_ptr<const settings::configuration>)> adopt;
  };
  explicit reloader(parts given);

  // Begins to look at the files.
  void start();
  // No longer looks at them: who is about to end takes nothing new over.
  void stop();
  // Reads everything again. False: refused.
  bool reload(std::string_view why);

  // What is in force, and since when. Any thread.
  std::shared_ptr<const settings::configuration> current() const;
  time::wall_instant since() const noexcept { return since_.load(std::memory_order_relaxed); }
  // Why the last one was refused; empty: it was not. Any thread.
  std::string trouble() const;

 private:
  void look();
  void watch(const std::set<std::filesystem::path>& files, bool refused);
  void leave_out_certificates(std::set<std::filesystem::path>& wanted) const;
  bool refuse(const std::string& why);

  parts parts_;
  boost::asio::steady_timer timer_;
  std::set<std::filesystem::path> files_;
  std::optional<settings::file_watch> watch_;
  bool stopped_ = false;
  bool quietly_ = false;  // the next reading is only because other files are looked at
  int unsettled_ = 0;     // looks since a change was seen that is not read yet
  mutable std::mutex mutex_;
  std::shared_ptr<const settings::configuration> current_;  // under the lock
  std::string trouble_;                                     // under the lock
  std::atomic<time::wall_instant> since_;
};

}  // namespace gateway::app
