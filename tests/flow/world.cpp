#include "flow/world.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "foundation/http/chunks.hpp"
#include "settings/load.hpp"
#include "support/recording.hpp"

namespace gateway::flow {

std::expected<std::string, std::string> literal_environment::read_file(const std::filesystem::path& file) const {
  const auto found = files.find(file.string());
  if (found == files.end()) return std::unexpected{std::string{"No such file or directory"}};
  return found->second;
}

std::optional<std::string> literal_environment::variable(const std::string&) const {
  return std::nullopt;
}

// Every name leads to the one upstream there is.
class world::nowhere_else final : public upstream::resolver {
 public:
  transport::task<std::expected<std::vector<transport::endpoint>, std::string>> resolve(const std::string&,
                                                                                        std::uint16_t port,
                                                                                        time::instant) override {
    co_return std::vector{transport::endpoint{boost::asio::ip::address_v4::loopback(), port}};
  }
};

world::world(memory_upstream::handler answers)
    : upstream{loop,
               [this, answers = std::move(answers)](const simulator::request& r) {
                 if (const auto* sent = simulator::find_header(r.headers, "Authorization"))
                   secrets_.insert(sent->substr(sent->find(' ') + 1));
                 return answers(r);
               }},
      environment_{std::make_shared<literal_environment>()},
      log_{events_, clock, {.threshold = journal::level::debug, .style = journal::format::json}},
      trusted_{environment_, log_},
      lines_descriptor_{::memfd_create("lines", MFD_CLOEXEC)},
      lines_{std::make_unique<journal::output>(lines_descriptor_)},
      families_{catalogue_},
      registry_{catalogue_},
      names_{std::make_unique<nowhere_else>()} {
  environment = environment_.get();
  environment->files["/t/ca.pem"] = support::certificates().authority.certificate_pem;
  environment->files["/t/secret"] = std::string{client_secret} + "\n";
}

world::~world() {
  settle();
  if (gateway) check_that_no_secret_shows();
  gateway.reset();  // destroys what still waits, and closes its ends
  settle();
  ::close(lines_descriptor_);
}

void world::check_that_no_secret_shows() {
  check(metrics());
  check(logged());
  check(admin::render(gateway->ready(), true) + admin::render(gateway->live(), true));
}

void world::check(std::string_view shown) const {
  for (const auto& secret : secrets_) CHECK_MESSAGE(shown.find(secret) == std::string_view::npos, "a secret shows");
}

void world::start_gateway(const std::string& yaml) {
  auto loaded = settings::parse(yaml, "/t/gateway.yaml", *environment_);
  if (!loaded) FAIL(settings::text(loaded.error()));
  auto made = app::service::make({.configuration = std::make_shared<settings::configuration>(std::move(*loaded)),
                                  .environment = environment_,
                                  .trusted = trusted_,
                                  .clock = clock,
                                  .log = log_,
                                  .metrics = registry_,
                                  .families = families_,
                                  .loops = {{loop, upstream, *names_, randomness, *lines_}},
                                  .papers = {"{}", [this](std::string_view name) { return find_problem_page(name); }}});
  if (!made) FAIL(made.error());
  gateway = std::move(*made);
  gateway->start();
  settle();
}

support::memory_peer world::connect() {
  auto [mine, theirs] = transport::memory_channel::make_pair(loop.ready());
  gateway->callers(0).accept(std::move(theirs));
  settle();
  return support::memory_peer{std::move(mine), support::recording::begin()};
}

std::optional<answer> world::heard(support::memory_peer& peer) {
  const auto bytes = peer.heard();
  check(bytes);
  auto all = read_answers(bytes);
  if (all.empty()) return std::nullopt;
  return std::move(all.back());
}

answer world::ask(std::string_view raw, time::duration takes) {
  auto peer = connect();
  CHECK(peer.say(raw));
  settle();
  if (takes > time::duration::zero()) advance(takes);
  auto got = heard(peer);
  peer.leave();
  settle();
  return got.value_or(answer{});
}

std::string world::logged() {
  std::string all;
  for (const auto& line : events_.lines()) all += line + "\n";
  advance(std::chrono::milliseconds{200});  // the lines go out with a tick
  std::array<char, 4096> piece{};
  ::lseek(lines_descriptor_, 0, SEEK_SET);
  for (ssize_t got = 0; (got = ::read(lines_descriptor_, piece.data(), piece.size())) > 0;)
    all.append(piece.data(), static_cast<std::size_t>(got));
  return all;
}

std::vector<answer> read_answers(std::string_view bytes) {
  std::vector<answer> all;
  while (const auto end = http::end_of_head(bytes, 0)) {
    http::answer_head head;
    http::answer_parser parser{{}, head};
    if (!parser.read_head(bytes.substr(0, *end))) break;
    auto length = head.body == http::framing::length ? static_cast<std::size_t>(head.content_length) : 0;
    if (bytes.size() < *end + length) break;
    answer one{.status = head.status, .headers = {}, .body = std::string{bytes.substr(*end, length)}};
    if (head.body == http::framing::chunked) {
      http::chunk_reader chunks;
      chunks.limit(static_cast<std::size_t>(-1));
      const auto read = chunks.read(bytes.substr(*end), one.body);
      if (!read || !chunks.finished()) break;
      length = *read;
    }
    for (const auto& f : head.fields.all()) {
      std::string name{f.name};
      std::ranges::transform(name, name.begin(),
                             [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
      one.headers[name] = f.value;
    }
    bytes.remove_prefix(*end + length);
    if (one.status >= 200) all.push_back(std::move(one));
  }
  return all;
}

std::string plain_configuration() {
  return R"(
listeners:
  api: { address: 127.0.0.1 }
accounts:
  sandbox:
    base_url: https://podero.test/api/partners/v2.0
    token: { client_id: example-client, client_secret_file: /t/secret }
    tls: { ca_file: /t/ca.pem }
)";
}

}  // namespace gateway::flow
