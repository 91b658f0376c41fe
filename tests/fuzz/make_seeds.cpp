// make_seeds PROJECT OUT: what the fuzz targets begin with, a folder for each: the examples of proto-free-api and the
// files of config/ in the form that the target reads, and the shapes that its grammar has.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace bj = boost::json;
using namespace std::string_literals;

class seeds {
 public:
  explicit seeds(fs::path out) : out_{std::move(out)} {}

  void add(const std::string& target, std::string_view bytes) {
    auto& files = files_[target];
    fs::create_directories(out_ / target);
    files.push_back(out_ / target / ("seed-" + std::to_string(files.size() + 1)));
    write(files.back(), bytes);
  }
  void add(const std::string& target, const std::vector<std::string>& all) {
    for (const auto& one : all) add(target, one);
  }
  // TARGET.list beside each folder, as -seed_inputs takes it.
  void list() const {
    for (const auto& [target, files] : files_) {
      std::string names;
      for (const auto& file : files) names += (names.empty() ? "" : ",") + file.string();
      write(out_ / (target + ".list"), names);
    }
  }

 private:
  static void write(const fs::path& to, std::string_view bytes) {
    std::ofstream file{to, std::ios::binary};
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) throw std::runtime_error{"cannot write to " + to.string()};
  }

  fs::path out_;
  std::map<std::string, std::vector<fs::path>> files_;
};

std::string content_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in) throw std::runtime_error{"cannot read " + file.string()};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string in_chunks(std::string_view body) {
  std::string out;
  for (; !body.empty(); body.remove_prefix(std::min<std::size_t>(body.size(), 10))) {
    const auto piece = body.substr(0, 10);
    out += piece.size() == 10 ? "a;x=y\r\n" : std::to_string(piece.size()) + "\r\n";
    out += std::string{piece} + "\r\n";
  }
  return out + "0\r\nTrailer: x\r\n\r\n";
}

std::string body_of(const bj::object& message) {
  if (const auto* text = message.if_contains("text")) return std::string{text->as_string()};
  if (const auto* body = message.if_contains("body")) return bj::serialize(*body);
  return {};
}

std::string head_of(std::string first_line, const bj::object& message) {
  auto head = std::move(first_line) + "\r\nHost: h\r\n";
  if (const auto* headers = message.if_contains("headers"); headers != nullptr && headers->is_object())
    for (const auto& one : headers->as_object())
      if (one.value().is_string())
        head += std::string{one.key()} + ": " + std::string{one.value().as_string()} + "\r\n";
  return head;
}

void add_message(seeds& to, const std::string& target, const std::string& head, const std::string& body) {
  to.add(target, "\x07" + head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  to.add(target, "\x03" + head + "Transfer-Encoding: chunked\r\n\r\n" + in_chunks(body));
}

void add_example(seeds& to, const bj::object& example) {
  const auto& request = example.at("request").as_object();
  const auto* method = request.if_contains("method");
  const auto* path = request.if_contains("path");
  if (method != nullptr && path != nullptr) {
    const auto head =
        head_of(std::string{method->as_string()} + " " + std::string{path->as_string()} + " HTTP/1.1", request);
    const auto body = body_of(request);
    to.add("head", head + "\r\n");
    if (body.size() < 4096) add_message(to, "request", head, body);
    const bool user = path->as_string().ends_with("/users");
    if (!body.empty() && body.size() < 8192) to.add(user ? "user" : "creation", body);
    if (!body.empty() && !user && body.size() < 512) {
      std::string line = "\x20{\"idempotency_key\": \"k\", \"body\": ";
      line += body;
      line += "}\r\n";
      to.add("batch_line", line);
    }
  }
  const auto* upstream = example.if_contains("upstream");
  if (upstream == nullptr || !upstream->is_object()) return;
  const auto* answer = upstream->as_object().if_contains("response");
  if (answer == nullptr || !answer->is_object()) return;
  const auto body = body_of(answer->as_object());
  const auto* status = answer->as_object().if_contains("status");
  if (body.empty() || status == nullptr) return;
  to.add("answer", body);
  if (body.size() < 1024) to.add("user", body);
  add_message(to, "upstream_bytes", head_of("HTTP/1.1 " + bj::serialize(*status) + " X", answer->as_object()), body);
}

void add_examples(seeds& to, const fs::path& project) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator{project / "proto-free-api/examples"})
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::ranges::sort(files);
  for (const auto& file : files) add_example(to, bj::parse(content_of(file)).as_object());
}

void add_settings(seeds& to, const fs::path& project) {
  for (const auto* name : {"config/gateway.yaml", "config/demo.yaml", "bench/gateway.yaml"})
    to.add("settings", content_of(project / name));
  const auto least =
      "listeners: { api: { address: 127.0.0.1 } }\naccounts:\n  s:\n    base_url: https://a.example/v2\n"
      "    token: { client_id: i, client_secret: s }\n"s;
  to.add(
      "settings",
      {least,
       least + "    defaults: { language: de, n: 1.0, i: -3, t: \"true\", d: \"a$${env:X}\", m: { \"k e y\": [null, "
               "\"1\"] } }\n",
       least + "    resolve: { a.example: 127.0.0.1, \"b.test:443\": \"[::1]:8443\" }\n    proxy: http://p:3128\n",
       least + "callers:\n  p:\n    key_sha256: " + std::string(64, '1') +
           "\n    accounts: [s]\n    redirect_hosts: [ \"*.example.com\" ]\n",
       least + "shared_state: { store: redis, redis: { url: rediss://r.example/2, password: x }, max_replicas: 3 }\n",
       "a: &x [1, *x]\n", "---\na: !!binary x\n? b\n: |-\n  c\n", "listeners: {api: {port: 99999, x: }}\n"});
}

void add_http(seeds& to) {
  const auto host = "Host: h\r\n"s;
  const std::vector<std::string> heads{
      "GET / HTTP/1.1\r\n" + host + "\r\n",
      "GET http://h/a?b=c HTTP/1.1\r\n" + host + "Connection: close, te\r\n\r\n",
      "GET / HTTP/1.0\r\n" + host + "Connection: keep-alive\r\n\r\n",
      "POST /a HTTP/1.1\r\n" + host + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
      "POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n",
      "POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\nContent-Length: 5\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\n" + host + "Upgrade: h2c\r\nConnection: upgrade\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : h\r\nX: a\r\n b\r\n\r\n"};
  to.add("head", heads);
  for (const auto& head : heads) {
    to.add("request", "\x01" + head);
    to.add("request", "\x0f\r\n" + head + "5\r\nhello\r\n0\r\n\r\n" + heads.front());
    to.add("request", "\x05" + head + "hello" + heads.front() + "HEAD /no HTTP/1.1\r\n" + host + "\r\n");
  }
  to.add("request", "\x01POST /no HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello" + heads.front());
  to.add("upstream_bytes",
         {"\x01HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"s,
          "\x02HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=5\r\n\r\n"s, "\x03HTTP/1.0 200 OK\r\n\r\n<html>"s,
          "\x04HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1"s, "\x05HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n"s});
}

// RFC 9113, section 4.1: length, type, flags, stream, and what they are of.
std::string frame(char type, char flags, char stream, const std::string& content) {
  return "\0\0"s + static_cast<char>(content.size()) + type + flags + "\0\0\0"s + stream + content;
}

void add_frames(seeds& to) {
  constexpr char data = 0;
  constexpr char headers = 1;
  constexpr char last = 1;
  constexpr char whole = 4;
  const auto status = [](const char* code) { return "\x08\x03"s + code; };  // a literal of :status (RFC 7541, 6.2.2)
  const auto length = "\x0f\x0d\x01"s + "2";                                // of content-length
  const auto ended = frame(data, last, 1, "{}");
  to.add("http2_bytes",
         {"\x01"s + frame(headers, whole, 1, status("201") + length) + ended,
          "\x02"s + frame(headers, whole, 1, status("103")) + frame(headers, whole, 1, "\x88"s) + ended,
          "\x03"s + frame(headers, whole | last, 1, status("204")),
          "\x04"s + frame(headers, whole, 1, "\x88"s) + frame(data, 0, 1, "{") +
              frame(headers, whole | last, 1, "\0\1x\1y"s),
          "\x05"s + frame(headers, whole, 1, "\x88"s) + frame(3, 0, 1, "\0\0\0\2"s),
          "\x06"s + frame(7, 0, 0, "\0\0\0\0\0\0\0\0"s),
          "\x07"s + frame(4, 0, 0, "\0\3\0\0\0\0"s) + frame(6, 0, 0, "01234567"s) + frame(8, 0, 0, "\0\0\1\0"s),
          "\x08"s + frame(headers, 0, 1, "\x88"s) + frame(9, whole, 1, length) + ended,
          "\x09"s + frame(5, whole, 1, "\0\0\0\2\x82"s)});
}

void add_headers(seeds& to) {
  to.add("retry_after",
         {"0", "120", "99999999999999999999", "Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT",
          "Sun Nov  6 08:50:37 1994", "Fri, 31 Dec 9999 23:59:60 GMT"});
  to.add("prefer",
         {"wait=5", "respond-async, wait=10; x=y, reuse=no", "wait=\"7\"\nreuse=no", "x=\"a, wait=3\", wait=4"});
  to.add("idempotency_key", {"k", "\"k\"", R"("a\"b\\c")", "k\nk", std::string(256, 'k')});
  to.add("batch_line", {"\x01{\"body\":{}}\n\n{ \"b\\u006fdy\" : {\"a\":[{}]} , \"idempotency_key\":\"k\" }"s,
                        "\x07{\"idempotency_key\":7,\"body\":[]}\r\n{\"body\":{\"}\\\"\":\":,\"},\"x\":1}\r\n"s});
  to.add("traceparent",
         {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
          "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more", "a169451c-8525-4352-b8ca-070dd449a1a5"});
  to.add("redirect",
         {"*.example.com\nhttps://www.example.com/a?b#c", "portal.example.com\nhttps://portal.example.com:8443/",
          "[2001:db8::7]\nhttps://[2001:db8::7]/", "localhost\nhttp://localhost/",
          "192.0.2.7\nhttps://192.0.2.7.example.com/", "*.example.com\nhttps://evil.example%2f.example.com/",
          "*.example.com\nhttps://u@x.example.com\\@evil.example/"});
  to.add("token_answer", {"\0{\"access_token\":\"abc\",\"expires_in\":3600,\"token_type\":\"Bearer\"}"s,
                          "\x05{\"error\":\"unsupported_grant_type\"}"s,
                          "\x80{\"access_token\":\"\\u000d\\u000a\",\"expires_in\":-1e9}"s});
}

void add_stored(seeds& to) {
  to.add("redis_reply",
         {"+OK\r\n:5\r\n$-1\r\n$3\r\nabc\r\n", "*4\r\n:1\r\n*2\r\n$1\r\nx\r\n-MISCONF inner\r\n*-1\r\n+fine\r\n",
          "*8\r\n:100\r\n$1\r\ne\r\n*1\r\n:5\r\n*4\r\n:7\r\n$6\r\nwindow\r\n:0\r\n:0\r\n*1\r\n*5\r\n$1\r\ng\r\n:2\r\n:"
          "1\r\n:0\r\n$3\r\n1 2\r\n"
          "*1\r\n*2\r\n:0\r\n$3\r\n1.5\r\n$1\r\nc\r\n*1\r\n*6\r\n:1\r\n$1\r\na\r\n$1\r\ns\r\n:1\r\n:2\r\n*1\r\n$"
          "1\r\nh\r\n"});
  to.add("stored", {"3:2012:s12:{}", "2:s12:{}10:1724533200", "2:s12:{}0:", "\x01" + std::string(28, 'x')});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: make_seeds PROJECT OUT\n";
    return 2;
  }
  try {
    seeds to{argv[2]};
    add_examples(to, argv[1]);
    add_settings(to, argv[1]);
    add_http(to);
    add_headers(to);
    add_frames(to);
    add_stored(to);
    to.list();
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
  return 0;
}
