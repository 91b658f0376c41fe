#include "admin/admin.hpp"

#include <algorithm>

#include "admin/page.hpp"
#include "foundation/json/write.hpp"
#include "foundation/metrics/open_metrics.hpp"
#include "listener/negotiation.hpp"
#include "listener/request_target.hpp"

namespace gateway::admin {
namespace {

using boost::beast::http::verb;

bool wants_all(std::string_view target) noexcept {
  const auto query = target.find('?');
  return query != std::string_view::npos && target.substr(query + 1).starts_with("verbose");
}

void show_checks(listener::exchange& x, const std::vector<check>& checks) {
  x.reply.status = passing(checks) ? 200 : 503;
  x.reply.body = render(checks, wants_all(x.head.target));
}

}  // namespace

bool passing(const std::vector<check>& checks) noexcept {
  return std::ranges::all_of(checks, &check::passing);
}

std::string render(const std::vector<check>& checks, bool verbose) {
  std::string out = passing(checks) ? R"({"status":"ok","checks":[)" : R"({"status":"failing","checks":[)";
  bool first = true;
  for (const auto& c : checks) {
    if (c.passing && !verbose) continue;
    out += first ? "{" : ",{";
    first = false;
    json::append_name(out, "name");
    json::append_string(out, c.name);
    out += c.passing ? R"(,"passing":true,"detail":)" : R"(,"passing":false,"detail":)";
    json::append_string(out, c.detail);
    out += '}';
  }
  out += "]}\n";
  return out;
}

handler::handler(sources from, journal::log& log)
    : from_{std::move(from)}, log_{log}, page_policy_{content_security_policy(page)} {}

std::size_t handler::on_head(listener::exchange& x) {
  if (x.head.method == verb::get || x.head.method == verb::head) return 0;
  errors::failure f;
  f.id = errors::problem::method_not_allowed;
  f.detail = "This listener only shows: it allows GET and HEAD.";
  f.extra_header = "Allow: GET, HEAD";
  listener::answer_with(x, f);
  return 0;
}

transport::task<> handler::on_request(listener::exchange& x) {
  std::string memory;
  const auto path = listener::path_of(x.head.target, memory);
  x.reply.add_line("Cache-Control", "no-store");
  if (path == "/") {
    x.reply.status = 200;
    x.reply.content_type = "text/html; charset=utf-8";
    x.reply.add_line("Content-Security-Policy", page_policy_);
    x.reply.add_line("X-Content-Type-Options", "nosniff");
    x.reply.add_line("Referrer-Policy", "no-referrer");
    x.reply.body = page;
  } else if (path == "/metrics" && listener::prefers_open_metrics(x.head.fields)) {
    x.reply.status = 200;
    x.reply.content_type = metrics::open_content_type;
    x.reply.body = from_.open_metrics();
  } else if (path == "/metrics") {
    x.reply.status = 200;
    x.reply.content_type = metrics::text_content_type;
    x.reply.body = from_.metrics();
  } else if (path == "/livez") {
    show_checks(x, from_.live());
  } else if (path == "/readyz") {
    show_checks(x, from_.ready());
  } else if (path == "/startupz") {
    show_checks(x, from_.started());
  } else if (path == "/status") {
    x.reply.status = 200;
    x.reply.body = from_.status();
  } else if (path == "/config") {
    x.reply.status = 200;
    x.reply.content_type = "application/yaml; charset=utf-8";
    x.reply.body = from_.configuration();
  } else {
    errors::failure f;
    f.id = errors::problem::not_found;
    f.detail = "This listener has /, /metrics, /livez, /readyz, /startupz, /status and /config.";
    listener::answer_with(x, f);
  }
  co_return;
}

void handler::on_failure(const listener::exchange& x, std::string_view reason) {
  log_.error("a request of an operator failed inside the gateway", {{"path", x.head.path()}, {"reason", reason}});
}

}  // namespace gateway::admin
