#include "settings/threads.hpp"

#include "fake_environment.hpp"

#include <doctest/doctest.h>

using namespace gateway::settings;

TEST_CASE("A quota gives its CPUs, rounded up, within the cores") {
  CHECK(threads_for("200000 100000\n", 8) == 2);
  CHECK(threads_for("150000 100000", 8) == 2);
  CHECK(threads_for("25000 100000", 8) == 1);
  CHECK(threads_for("800000 100000", 8) == 8);
  CHECK(threads_for("1600000 100000", 8) == 8);
}

TEST_CASE("Without a quota there are as many as cores, and at most four") {
  CHECK(threads_for("max 100000\n", 2) == 2);
  CHECK(threads_for("max 100000", 64) == 4);
  CHECK(threads_for(std::nullopt, 64) == 4);
  CHECK(threads_for(std::nullopt, 0) == 1);
}

TEST_CASE("A text that cannot be read counts as no quota") {
  for (const auto* text : {"", "200000", "x 100000", "200000 0", "200000 y", "-1 100000"}) {
    CAPTURE(text);
    CHECK(threads_for(text, 8) == 4);
  }
}

TEST_CASE("A number of loops that is configured is taken, auto is what fits here") {
  fake_environment env;
  env.files["/sys/fs/cgroup/cpu.max"] = "600000 100000\n";
  CHECK(threads_of({.count = 3}, env, 16) == 3);
  CHECK(threads_of({}, env, 16) == 6);
}

TEST_CASE("The tightest quota around the process counts") {
  fake_environment env;
  CHECK(threads_here(env, 16) == 4);
  env.files["/sys/fs/cgroup/cpu.max"] = "600000 100000\n";
  CHECK(threads_here(env, 16) == 6);
  env.files["/proc/self/cgroup"] = "1:name=systemd:/x\n0::/pod/container\n";
  env.files["/sys/fs/cgroup/pod/cpu.max"] = "300000 100000\n";
  env.files["/sys/fs/cgroup/pod/container/cpu.max"] = "max 100000\n";
  CHECK(threads_here(env, 16) == 3);
}
