#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "settings/configuration.hpp"
#include "settings/environment.hpp"

namespace gateway::app {

// What a running gateway is called.
struct build {
  std::string version;
  std::string revision;
};

// Runs the gateway until it is told to stop (SIGTERM, SIGINT): sockets, threads, signals. Returns the exit code: 0
// after a drain, 1 where it could not run (with a one-line reason on standard error).
// `configuration` was read from `file`, which is read again when it changes, and on SIGHUP.
int run(std::filesystem::path file, std::shared_ptr<const settings::configuration> configuration,
        std::shared_ptr<const settings::environment> environment, const build& is);

}  // namespace gateway::app
