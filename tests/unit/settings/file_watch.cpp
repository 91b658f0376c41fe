#include "settings/file_watch.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include <stdlib.h>

using gateway::settings::file_watch;

namespace {

namespace fs = std::filesystem;

struct folder {
  folder() {
    auto pattern = (fs::temp_directory_path() / "gateway-watch.XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    place = pattern;
  }
  ~folder() { fs::remove_all(place); }
  fs::path write(const std::string& name, std::string_view content) const {
    std::ofstream{place / name, std::ios::binary | std::ios::trunc} << content;
    return place / name;
  }
  fs::path place;
};

}  // namespace

TEST_CASE("A file is another one when it is written, replaced, removed, or comes to be; and once only") {
  const folder in;
  const auto first = in.write("first", "one");
  const auto second = in.place / "second";
  file_watch watch{{first, second}};
  CHECK_FALSE(watch.changed());
  SUBCASE("written with another length") {
    in.write("first", "longer");
  }
  SUBCASE("written with the same length") {
    in.write("first", "two");
    fs::last_write_time(first, fs::last_write_time(first) + std::chrono::seconds{1});
  }
  SUBCASE("replaced by one of the same length and time") {
    const auto when = fs::last_write_time(first);
    fs::last_write_time(in.write("other", "one"), when);
    fs::rename(in.place / "other", first);
  }
  SUBCASE("removed") {
    fs::remove(first);
  }
  SUBCASE("new") {
    in.write("second", "");
  }
  CHECK(watch.changed());
  CHECK_FALSE(watch.changed());
}

TEST_CASE("A link that is swung to another folder changes what lies behind it") {
  const folder in;
  fs::create_directory(in.place / "a");
  fs::create_directory(in.place / "b");
  const auto when = fs::last_write_time(in.write("a/key", "one"));
  fs::last_write_time(in.write("b/key", "two"), when);
  fs::create_symlink("a", in.place / "data");
  file_watch watch{{in.place / "data" / "key"}};
  fs::create_symlink("b", in.place / "data.new");
  CHECK_FALSE(watch.changed());
  fs::rename(in.place / "data.new", in.place / "data");
  CHECK(watch.changed());
  CHECK_FALSE(watch.changed());
}
