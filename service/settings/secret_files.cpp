#include "settings/secret_files.hpp"

#include "settings/reader.hpp"
#include "settings/substitution.hpp"

#include <openssl/crypto.h>

#include <algorithm>

namespace gateway::settings {
namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

}  // namespace

std::string secret_complaint(std::string_view text) {
  if (text.empty()) return "is empty";
  if (text.size() > 8192) return "is longer than 8192 characters";
  if (text.contains('\n')) return "has more than one line";
  if (std::ranges::any_of(text, is_control)) return "has a control character in it";
  return "";
}

std::expected<secrets::secret, std::string> read_again(const secret_value& value, const environment& env) {
  if (value.file.empty()) return value.content;
  auto content = env.read_file(value.file);
  if (!content) return std::unexpected("cannot be read: " + value.file.string() + ": " + content.error());
  const auto text = without_line_ends(*content);
  const auto complaint = secret_complaint(text);
  secrets::secret secret{text};
  OPENSSL_cleanse(content->data(), content->size());
  if (!complaint.empty()) return std::unexpected("holds no usable secret: " + value.file.string() + " " + complaint);
  return secret;
}

bool same_credentials(const token& a, const token& b) noexcept {
  return same(a.client_id.content, b.client_id.content) && same(a.client_secret.content, b.client_secret.content) &&
         a.client_id.file == b.client_id.file && a.client_secret.file == b.client_secret.file;
}

void read_secret(const spot& s, bool is_file, secret_value& target) {
  if (is_file) {
    if (!read_scalar(s, target.file)) return;
    if (auto content = read_again(target, s.in->env))
      target.content = std::move(*content);
    else
      s.wrong(std::move(content.error()));
    return;
  }
  std::string text;
  if (!read_scalar(s, text)) return;
  if (const auto complaint = secret_complaint(text); !complaint.empty()) s.wrong(complaint);
  target.content = secrets::secret{text};
  OPENSSL_cleanse(text.data(), text.size());
}

}  // namespace gateway::settings
