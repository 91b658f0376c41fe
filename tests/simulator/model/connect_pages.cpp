#include "simulator/model/connect_pages.hpp"

#include "simulator/model/connect_style.hpp"
#include "simulator/model/text_forms.hpp"

#include <utility>

namespace simulator {
namespace {

std::string step_text(const connect_texts& texts, int number) {
  std::string text{texts.step};
  if (const auto at = text.find("{n}"); at != std::string::npos) text.replace(at, 3, std::to_string(number));
  return text;
}

const type_row& row_of(device_type type) {
  return device_types[std::to_underlying(type)];
}

std::string query_of(std::string_view session_id) {
  return "?onboarding_session_id=" + escape_html(session_id);
}

std::string icon_of(const type_row& row) {
  return "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\">" + std::string{row.icon} + "</svg>";
}

std::string session_field(std::string_view session_id) {
  return "<input type=\"hidden\" name=\"onboarding_session_id\" value=\"" + escape_html(session_id) + "\">";
}

// Back (where there is something to go back to) and Cancel.
std::string way_out(const connect_texts& texts, std::string_view session_id, const std::string& back_path) {
  std::string out = "<nav>";
  if (!back_path.empty())
    out += "<a href=\"" + back_path + query_of(session_id) + "\">" + escape_html(texts.back) + "</a>";
  out += "<form method=\"post\" action=\"/cancel\">" + session_field(session_id) + "<button type=\"submit\">" +
         escape_html(texts.cancel) + "</button></form></nav>";
  return out;
}

std::string heading(std::string_view title, std::string_view lead) {
  return "<h1>" + escape_html(title) + "</h1><p class=\"lead\">" + escape_html(lead) + "</p>";
}

response page(const connect_texts& texts, unsigned status, std::string_view title, int step,
              const std::string& inside) {
  std::string html =
      "<!doctype html>\n<html lang=\"" + std::string{texts.language} + "\">\n<head><meta charset=\"utf-8\">";
  html += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>";
  html += escape_html(title) + " · " + escape_html(texts.product);
  html += "</title><link rel=\"icon\" href=\"data:,\"><style>" + std::string{connect_style} + "</style></head>\n<body>";
  html += "<header><b>" + escape_html(texts.product) + "</b>";
  if (step > 0) html += "<span>" + escape_html(step_text(texts, step)) + "</span>";
  html +=
      "</header>\n<main>" + inside + "</main>\n<footer>" + escape_html(texts.footer) + "</footer></body>\n</html>\n";
  return {.status = status,
          .headers = {{"Content-Type", "text/html; charset=utf-8"},
                      {"Cache-Control", "no-store"},
                      {"Referrer-Policy", "no-referrer"},
                      // No form-action: browsers apply it to the redirect back to the partner's page as well.
                      {"Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"}},
          .body = std::move(html)};
}

// One labelled input with its hint and, where it is wrong, the reason.
struct field {
  std::string_view name;
  std::string_view label;
  std::string_view hint;
  std::string_view attributes;
  std::string_view value;
};

std::string render(const field& f, const form_fault& fault) {
  const bool wrong = fault.field == f.name;
  const std::string name{f.name};
  std::string described;
  if (!f.hint.empty()) described += name + "-hint";
  if (wrong) described += (described.empty() ? "" : " ") + name + "-fault";
  std::string out = "<div class=\"field\"><label for=\"" + name + "\">" + escape_html(f.label) + "</label>";
  out += "<input id=\"" + name + "\" name=\"" + name + "\" " + std::string{f.attributes};
  if (!f.value.empty()) out += " value=\"" + escape_html(f.value) + '"';
  if (!described.empty()) out += " aria-describedby=\"" + described + '"';
  if (wrong) out += " aria-invalid=\"true\" autofocus";
  out += '>';
  if (wrong) out += "<p class=\"fault\" role=\"alert\" id=\"" + name + "-fault\">" + escape_html(fault.text) + "</p>";
  if (!f.hint.empty()) out += "<p class=\"hint\" id=\"" + name + "-hint\">" + escape_html(f.hint) + "</p>";
  return out + "</div>";
}

std::string proof_fields(const connect_texts& texts, proof asked, const filled_form& filled) {
  if (asked == proof::credentials)
    return render({.name = "email",
                   .label = texts.email,
                   .hint = {},
                   .attributes = "type=\"text\" inputmode=\"email\" autocomplete=\"username\"",
                   .value = filled.email},
                  filled.fault) +
           render({.name = "password",
                   .label = texts.password,
                   .hint = texts.password_hint,
                   .attributes = "type=\"password\" autocomplete=\"current-password\"",
                   .value = {}},
                  filled.fault);
  const auto label = asked == proof::serial_number ? texts.serial : texts.gateway_serial;
  return render({.name = "serial_number",
                 .label = label,
                 .hint = texts.serial_hint,
                 .attributes = "type=\"text\" autocomplete=\"off\" spellcheck=\"false\"",
                 .value = filled.serial_number},
                filled.fault);
}

std::pair<std::string_view, std::string_view> proof_heading(const connect_texts& texts, proof asked) {
  switch (asked) {
    case proof::credentials:
      return {texts.sign_in, texts.sign_in_lead};
    case proof::serial_number:
      return {texts.serial_title, texts.serial_lead};
    case proof::hardware_gateway:
      return {texts.gateway_title, texts.gateway_lead};
  }
  return {texts.sign_in, texts.sign_in_lead};
}

}  // namespace

response type_page(const connect_texts& texts, std::string_view session_id) {
  std::string inside = heading(texts.choose_type, texts.choose_type_lead) + "<ul>";
  for (const auto& row : device_types)
    inside += "<li><a href=\"/" + std::string{row.slug} + query_of(session_id) + "\">" + icon_of(row) + "<span>" +
              escape_html(texts.types[std::to_underlying(row.type)]) + "</span></a></li>";
  inside += "</ul>" + way_out(texts, session_id, "");
  return page(texts, 200, texts.choose_type, 1, inside);
}

response manufacturer_page(const connect_texts& texts, std::string_view session_id, device_type type) {
  const std::string path = "/" + std::string{row_of(type).slug};
  std::string inside = heading(texts.choose_manufacturer, texts.choose_manufacturer_lead) + "<ul>";
  for (const auto& m : manufacturers) {
    if (m.type != type) continue;
    inside +=
        "<li><a href=\"" + path + "/" + std::string{m.slug} + query_of(session_id) + "\">" + icon_of(row_of(type));
    inside += "<span>" + escape_html(m.name) + "<small>" + escape_html(texts.proofs[std::to_underlying(m.asks_for)]) +
              "</small></span></a></li>";
  }
  inside += "</ul>" + way_out(texts, session_id, "/");
  return page(texts, 200, texts.choose_manufacturer, 2, inside);
}

response proof_page(const connect_texts& texts, std::string_view session_id, const manufacturer& from,
                    const filled_form& filled) {
  const auto [title, lead] = proof_heading(texts, from.asks_for);
  const std::string types_path = "/" + std::string{row_of(from.type).slug};
  std::string inside = "<p class=\"eyebrow\">" + escape_html(from.name) + "</p>" + heading(title, lead);
  inside +=
      "<form method=\"post\" action=\"" + types_path + "/" + std::string{from.slug} + "\">" + session_field(session_id);
  inside += proof_fields(texts, from.asks_for, filled);
  inside += "<button type=\"submit\">" + escape_html(texts.proceed) + "</button></form>";
  inside += way_out(texts, session_id, types_path);
  return page(texts, filled.fault.field.empty() ? 200 : 422, title, 3, inside);
}

response link_page(const connect_texts& texts, std::string_view session_id, const manufacturer& from) {
  const std::string back = "/" + std::string{row_of(from.type).slug} + "/" + std::string{from.slug};
  std::string inside = heading(texts.found_title, texts.found_lead);
  inside += "<dl><dt>" + escape_html(texts.model) + "</dt><dd>" + escape_html(from.model) + "</dd><dt>" +
            escape_html(texts.made_by) + "</dt><dd>" + escape_html(from.name) + "</dd></dl>";
  inside += "<form method=\"post\" action=\"/link-device\">" + session_field(session_id) + "<button type=\"submit\">" +
            escape_html(texts.link_device) + "</button></form>" + way_out(texts, session_id, back);
  return page(texts, 200, texts.found_title, 4, inside);
}

response unknown_page(const connect_texts& texts) {
  return page(texts, 404, texts.unknown_title, 0, heading(texts.unknown_title, texts.unknown_lead));
}

response expired_page(const connect_texts& texts) {
  return page(texts, 410, texts.expired_title, 0, heading(texts.expired_title, texts.expired_lead));
}

response linked_page(const connect_texts& texts, std::string_view return_url) {
  return page(texts, 200, texts.linked_title, 0,
              heading(texts.linked_title, texts.linked_lead) + "<a class=\"button\" href=\"" + escape_html(return_url) +
                  "\">" + escape_html(texts.return_link) + "</a>");
}

response redirect(std::string_view url) {
  return {.status = 303,
          .headers = {
              {"Location", make_header_safe(url)}, {"Cache-Control", "no-store"}, {"Referrer-Policy", "no-referrer"}}};
}

}  // namespace simulator
