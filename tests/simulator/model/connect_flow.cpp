#include "simulator/model/connect_flow.hpp"

#include "simulator/model/connect_pages.hpp"
#include "simulator/model/text_forms.hpp"

#include <algorithm>

namespace simulator {
namespace {

constexpr std::string_view refused_password = "wrong";

const type_row* type_named(std::string_view slug) {
  const auto found = std::ranges::find(device_types, slug, &type_row::slug);
  return found == device_types.end() ? nullptr : found;
}

const manufacturer* manufacturer_named(device_type type, std::string_view slug) {
  const auto found =
      std::ranges::find_if(manufacturers, [&](const auto& m) { return m.type == type && m.slug == slug; });
  return found == manufacturers.end() ? nullptr : found;
}

std::string text_in(const form_members& form, std::string_view name) {
  const auto* text = find_member(form, name);
  return text ? *text : std::string{};
}

bool is_serial_number(std::string_view text) {
  return text.size() >= 6 && text.size() <= 20 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
         });
}

form_fault check_credentials(const connect_texts& texts, const form_members& form) {
  const auto email = text_in(form, "email");
  const auto at = email.find('@');
  if (at == std::string::npos || at == 0 || at + 1 == email.size()) return {"email", texts.error_email};
  const auto password = text_in(form, "password");
  if (password.empty()) return {"password", texts.error_password_missing};
  if (password == refused_password) return {"password", texts.error_password_refused};
  return {};
}

form_fault check(const connect_texts& texts, proof asked, const form_members& form) {
  if (asked == proof::credentials) return check_credentials(texts, form);
  return is_serial_number(text_in(form, "serial_number")) ? form_fault{}
                                                          : form_fault{"serial_number", texts.error_serial};
}

std::string success_url_of(const session& s) {
  return with_query_parameter(s.wishes.success_url, "deviceId", s.object_id.value_or(""));
}

// One request of a person whose session is known, alive and not yet linked.
class visit {
 public:
  visit(podero& upstream, session& s, const form_members& form, bool posts)
      : podero_{&upstream}, session_{&s}, form_{&form}, texts_{&texts_for(s.wishes.language)}, posts_{posts} {}

  response answer(std::string_view path) {
    if (path == "/") return type_page(*texts_, session_->id);
    if (path == "/cancel" && posts_) return cancel();
    if (path == "/link-device") return link();
    const auto slash = std::min(path.find('/', 1), path.size());
    const auto* type = type_named(path.substr(1, slash - 1));
    if (!type) return unknown_page(*texts_);
    if (slash == path.size()) return manufacturer_page(*texts_, session_->id, type->type);
    const auto* from = manufacturer_named(type->type, path.substr(slash + 1));
    return from ? prove(*from) : unknown_page(*texts_);
  }

 private:
  response cancel() {
    session_->cancelled = true;
    session_->found.reset();
    return redirect(session_->wishes.cancel_url);
  }

  response prove(const manufacturer& from) {
    if (!posts_) return proof_page(*texts_, session_->id, from, {});
    const auto fault = check(*texts_, from.asks_for, *form_);
    if (!fault.field.empty())
      return proof_page(
          *texts_, session_->id, from,
          {.email = text_in(*form_, "email"), .serial_number = text_in(*form_, "serial_number"), .fault = fault});
    session_->found = found_device{.type = from.type, .model = std::string{from.model}};
    // A page of its own, so that reloading it does not send the credentials again.
    return redirect("/link-device?onboarding_session_id=" + session_->id);
  }

  response link() {
    if (!session_->found) return redirect("/?onboarding_session_id=" + session_->id);
    const auto* from = std::ranges::find(manufacturers, std::string_view{session_->found->model}, &manufacturer::model);
    if (!posts_) return link_page(*texts_, session_->id, *from);
    const auto what = *session_->found;
    podero_->complete(*session_, what, std::nullopt);
    return redirect(success_url_of(*session_));
  }

  podero* podero_;
  session* session_;
  const form_members* form_;
  const connect_texts* texts_;
  bool posts_;
};

response wrong_method() {
  return {.status = 405,
          .headers = {{"Allow", "GET, HEAD, POST"}, {"Content-Type", "text/plain"}},
          .body = "Method not allowed\n"};
}

}  // namespace

response connect(podero& upstream, const request& req, wall_instant now) {
  const bool posts = req.method == "POST";
  if (!posts && req.method != "GET" && req.method != "HEAD") return wrong_method();
  const std::string_view target{req.target};
  const auto question = std::min(target.find('?'), target.size());
  const auto form = posts ? decode_form(req.body) : decode_form(target.substr(std::min(question + 1, target.size())));
  auto* found = upstream.session_book().find(to_lower(text_in(form, "onboarding_session_id")));
  if (!found) {
    const auto* wanted = find_header(req.headers, "Accept-Language");
    return unknown_page(texts_for(wanted ? std::string_view{*wanted} : std::string_view{}));
  }
  const auto& texts = texts_for(found->wishes.language);
  if (found->object_id) return linked_page(texts, success_url_of(*found));
  if (is_expired(*found, now)) return expired_page(texts);
  return visit{upstream, *found, form, posts}.answer(target.substr(0, question));
}

}  // namespace simulator
