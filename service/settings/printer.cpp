#include "settings/choices.hpp"
#include "settings/keys/process.hpp"
#include "settings/load.hpp"
#include "settings/reader.hpp"
#include "settings/scalars.hpp"
#include "settings/substitution.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <openssl/evp.h>

#include <array>

namespace gateway::settings {
namespace {

constexpr std::string_view mask = "********";

// Always in quotes, so that no string turns into a number or boolean; a ${ stays one.
void write_string(YAML::Emitter& out, std::string_view text) {
  out << YAML::DoubleQuoted << escaped(text);
}

void write_plain(YAML::Emitter& out, std::string_view text) {
  out << std::string{text};
}

void write_name(YAML::Emitter& out, std::string_view name) {
  out << YAML::Key;
  if (name_form(name))
    out << YAML::DoubleQuoted << std::string{name};
  else
    write_plain(out, name);
  out << YAML::Value;
}

void write_json(YAML::Emitter& out, const boost::json::value& value) {
  if (const auto* text = value.if_string()) {
    write_string(out, std::string_view{text->data(), text->size()});
  } else if (const auto* list = value.if_array()) {
    out << YAML::Flow << YAML::BeginSeq;
    for (const auto& one : *list) write_json(out, one);
    out << YAML::EndSeq;
  } else if (const auto* object = value.if_object()) {
    out << YAML::Flow << YAML::BeginMap;
    for (const auto& one : *object) {
      out << YAML::Key << YAML::DoubleQuoted << std::string{one.key().data(), one.key().size()} << YAML::Value;
      write_json(out, one.value());
    }
    out << YAML::EndMap;
  } else if (const auto* number = value.if_double()) {
    const auto digits = show(*number);
    const bool like_integer = digits.find_first_of(".e") == std::string::npos;
    write_plain(out, like_integer ? digits + ".0" : digits);
  } else {
    write_plain(out, boost::json::serialize(value));
  }
}

// Goes along the same tables as the reader and writes what it would read.
class printer {
 public:
  explicit printer(YAML::Emitter& out) : out_{out} {}

  template <class T, class... Rules>
  void operator()(std::string_view name, T& value, const Rules&... /*rules*/) {
    if constexpr (std::same_as<T, secret_value>) {
      secret(name, value);
    } else if constexpr (is_optional<T>) {
      if (value) (*this)(name, *value);
    } else {
      if constexpr (requires { value.empty(); })
        if (value.empty() && (has<not_empty_tag, Rules...> || std::same_as<T, url>)) return;
      write_name(out_, name);
      write(value);
    }
  }

 private:
  void secret(std::string_view name, const secret_value& value) {
    if (value.empty()) return;
    const bool from_file = !value.file.empty();
    write_name(out_, from_file ? std::string{name} + "_file" : std::string{name});
    write_string(out_, from_file ? value.file.string() : std::string{mask});
  }

  template <class T>
  void write(T& value) {
    if constexpr (std::same_as<T, std::string>) {
      write_string(out_, value);
    } else if constexpr (std::same_as<T, std::filesystem::path>) {
      write_string(out_, value.string());
    } else if constexpr (std::same_as<T, url> || std::same_as<T, host_pattern>) {
      write_string(out_, value.text());
    } else if constexpr (std::same_as<T, boost::asio::ip::address>) {
      write_string(out_, value.to_string());
    } else if constexpr (std::same_as<T, key_digest> || std::same_as<T, utc_offset> || std::same_as<T, tls_version>) {
      write_string(out_, show(value));  // 1.2 and +03:00 are numbers to some readers of YAML
    } else if constexpr (std::same_as<T, thread_setting>) {
      write_plain(out_, value.is_auto() ? "auto" : show(value.count));
    } else if constexpr (std::same_as<T, std::vector<host_override>>) {
      overrides(value);
    } else if constexpr (std::same_as<T, boost::json::object>) {
      defaults(value);
    } else if constexpr (section<T>) {
      out_ << YAML::BeginMap;
      describe(*this, value);
      out_ << YAML::EndMap;
    } else if constexpr (is_list<T>) {
      list(value);
    } else if constexpr (is_named<T>) {
      named(value);
    } else {
      write_plain(out_, show(value));
    }
  }

  template <class T>
  void list(std::vector<T>& values) {
    out_ << YAML::Flow << YAML::BeginSeq;
    for (auto& one : values) write(one);
    out_ << YAML::EndSeq;
  }

  template <class T>
  void named(std::map<std::string, T>& values) {
    if (values.empty()) out_ << YAML::Flow;
    out_ << YAML::BeginMap;
    for (auto& [name, one] : values) {
      write_name(out_, name);
      write(one);
    }
    out_ << YAML::EndMap;
  }

  void overrides(const std::vector<host_override>& values) {
    if (values.empty()) out_ << YAML::Flow;
    out_ << YAML::BeginMap;
    for (const auto& one : values) {
      write_name(out_, show_from(one));
      write_string(out_, show_to(one));
    }
    out_ << YAML::EndMap;
  }

  void defaults(const boost::json::object& values) {
    if (values.empty()) out_ << YAML::Flow;
    out_ << YAML::BeginMap;
    for (const auto& one : values) {
      write_name(out_, std::string_view{one.key().data(), one.key().size()});
      write_json(out_, one.value());
    }
    out_ << YAML::EndMap;
  }

  YAML::Emitter& out_;
};

// Goes along the tables and writes down where they lead.
class key_list {
 public:
  explicit key_list(std::string path) : path_{std::move(path)} {}

  template <class T, class... Rules>
  void operator()(std::string_view name, T& /*value*/, const Rules&... /*rules*/) {
    keys_.push_back(below(name));
    if constexpr (std::same_as<T, secret_value>) keys_.push_back(below(name) + "_file");
    descend<T>(below(name));
  }

  std::vector<std::string> sorted() && {
    std::ranges::sort(keys_);
    return std::move(keys_);
  }

 private:
  std::string below(std::string_view name) const {
    return path_.empty() ? std::string{name} : path_ + '.' + std::string{name};
  }

  template <class T>
  void descend(const std::string& path) {
    if constexpr (is_optional<T>) {
      descend<typename T::value_type>(path);
    } else if constexpr (section<T>) {
      key_list inner{path};
      T value{};
      describe(inner, value);
      for (auto& key : inner.keys_) keys_.push_back(std::move(key));
    } else if constexpr (std::same_as<T, boost::json::object> || std::same_as<T, std::vector<host_override>>) {
      keys_.push_back(path + ".*");
    } else if constexpr (is_list<T>) {
      descend<typename T::value_type>(path + "[]");
    } else if constexpr (is_named<T>) {
      keys_.push_back(path + ".*");
      descend<typename T::mapped_type>(path + ".*");
    }
  }

  std::string path_;
  std::vector<std::string> keys_;
};

}  // namespace

std::string print(const configuration& c) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  auto copy = c;  // a table hands out references that could be written to
  printer see{out};
  describe(see, copy);
  out << YAML::EndMap;
  return std::string{out.c_str(), out.size()} + '\n';
}

std::string hash(const configuration& c) {
  const auto text = print(c);
  key_digest digest{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
  return show(digest).substr(0, 16);
}

std::vector<std::string> known_keys() {
  key_list see{""};
  configuration c;
  describe(see, c);
  return std::move(see).sorted();
}

}  // namespace gateway::settings
