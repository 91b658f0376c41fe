#include "simulator/tests/model_fixture.hpp"

#include <doctest/doctest.h>

using namespace simulator;
using namespace simulator::testing;
namespace json = boost::json;

namespace {

bool shows(const response& page, std::string_view text) {
  return page.body.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("the device is appended to a URL's query, whatever it has already") {
  CHECK(with_query_parameter("https://a.test/ok", "deviceId", "7") == "https://a.test/ok?deviceId=7");
  CHECK(with_query_parameter("https://a.test", "deviceId", "7") == "https://a.test?deviceId=7");
  CHECK(with_query_parameter("https://a.test/ok?x=1", "deviceId", "7") == "https://a.test/ok?x=1&deviceId=7");
  CHECK(with_query_parameter("https://a.test/ok?", "deviceId", "7") == "https://a.test/ok?deviceId=7");
  CHECK(with_query_parameter("https://a.test/ok?x=1&", "deviceId", "7") == "https://a.test/ok?x=1&deviceId=7");
  CHECK(with_query_parameter("https://a.test/ok#top", "deviceId", "7") == "https://a.test/ok?deviceId=7#top");
  CHECK(with_query_parameter("https://a.test/ok?x=1#a?b", "deviceId", "7") == "https://a.test/ok?x=1&deviceId=7#a?b");
  CHECK(with_query_parameter("https://a.test/#/app?y=2", "deviceId", "7") == "https://a.test/?deviceId=7#/app?y=2");
}

TEST_CASE_FIXTURE(model_fixture, "a person walks from the kind of device to the linked one and is sent back") {
  const auto id = create_session(creation("https://my-customerportal.com/success?a=1#top"));
  const auto types = browse("/?onboarding_session_id=" + id);
  CHECK(types.status == 200);
  CHECK(shows(types, "<html lang=\"de\">"));
  CHECK(shows(types, "href=\"/heat-pumps?onboarding_session_id=" + id + "\""));
  const auto makers = browse("/heat-pumps?onboarding_session_id=" + id);
  CHECK(shows(makers, "href=\"/heat-pumps/nibe?onboarding_session_id=" + id + "\""));
  const auto form = browse("/heat-pumps/nibe?onboarding_session_id=" + id);
  CHECK(shows(form, "<label for=\"password\">Passwort</label>"));
  const auto found = submit("/heat-pumps/nibe", "onboarding_session_id=" + id + "&email=a%40b.test&password=x");
  CHECK(found.status == 303);
  CHECK(header(found, "Location") == "/link-device?onboarding_session_id=" + id);
  CHECK(shows(browse("/link-device?onboarding_session_id=" + id), "NIBE S1255-6"));
  next_byte = 0;
  const auto linked = submit("/link-device", "onboarding_session_id=" + id);
  CHECK(linked.status == 303);
  CHECK(header(linked, "Location") ==
        "https://my-customerportal.com/success?a=1&deviceId=00010203-0405-4607-8809-0a0b0c0d0e0f#top");
  CHECK(read_session(id).at("object_id") == "00010203-0405-4607-8809-0a0b0c0d0e0f");
  CHECK(shows(browse("/?onboarding_session_id=" + id), "Ihr Gerät ist verbunden"));
}

TEST_CASE_FIXTURE(model_fixture, "some manufacturers ask for a serial number, of the device or of their gateway") {
  const auto id = create_session(creation("https://a.test/", "en"));
  CHECK(shows(browse("/heat-pumps/alpenwarm?onboarding_session_id=" + id), "Serial number</label>"));
  CHECK(shows(browse("/heat-pumps/nordluft?onboarding_session_id=" + id), "Serial number of the gateway</label>"));
  const auto refused = submit("/heat-pumps/nordluft", "onboarding_session_id=" + id + "&serial_number=12");
  CHECK(refused.status == 422);
  CHECK(shows(refused, "role=\"alert\""));
  CHECK(submit("/heat-pumps/nordluft", "onboarding_session_id=" + id + "&serial_number=AB-1234").status == 303);
  CHECK(shows(browse("/link-device?onboarding_session_id=" + id), "Nordluft Duo 12"));
}

TEST_CASE_FIXTURE(model_fixture, "cancelling sends the person to cancel_url and changes nothing upstream") {
  const auto id = create_session();
  const auto before = read_session(id);
  const auto answer = submit("/cancel", "onboarding_session_id=" + id);
  CHECK(answer.status == 303);
  CHECK(header(answer, "Location") == "https://my-customerportal.com/error");
  CHECK(read_session(id) == before);
  CHECK(json::parse(order("GET", "/sessions/" + id).body).at("cancelled") == true);
}

TEST_CASE_FIXTURE(model_fixture,
                  "a refused password and a missing address keep the person on the page, with the reason") {
  const auto id = create_session(creation("https://a.test/", "en"));
  const auto wrong = submit("/heat-pumps/nibe", "onboarding_session_id=" + id + "&email=a%40b.test&password=wrong");
  CHECK(wrong.status == 422);
  CHECK(shows(wrong, "does not accept this email address and password"));
  CHECK(shows(wrong, "value=\"a@b.test\""));
  CHECK(!shows(wrong, "value=\"wrong\""));
  CHECK(shows(submit("/heat-pumps/nibe", "onboarding_session_id=" + id), "Enter an email address"));
  CHECK(header(submit("/link-device", "onboarding_session_id=" + id), "Location") == "/?onboarding_session_id=" + id);
}

TEST_CASE_FIXTURE(model_fixture, "what a person or a URL brings in is escaped") {
  const auto id = create_session(creation("https://a.test/?q=\\\"><b>&x='", "en"));
  const auto page =
      submit("/heat-pumps/nibe", "onboarding_session_id=" + id + "&email=%22%3E%3Cscript%3E%40b&password=wrong");
  CHECK(!shows(page, "<script>"));
  CHECK(shows(page, "value=\"&quot;&gt;&lt;script&gt;@b\""));
  order("POST", "/sessions/" + id + "/complete");
  const auto linked = browse("/?onboarding_session_id=" + id);
  CHECK(shows(linked, "href=\"https://a.test/?q=&quot;&gt;&lt;b&gt;&amp;x=&#39;&amp;deviceId="));
}

TEST_CASE_FIXTURE(model_fixture, "characters that a header cannot carry are percent-encoded in the way back") {
  const auto id = create_session(creation("https://a.test/ü"));
  submit("/heat-pumps/alpenwarm", "onboarding_session_id=" + id + "&serial_number=123456");
  CHECK(header(submit("/link-device", "onboarding_session_id=" + id), "Location")
            .starts_with("https://a.test/%C3%BC?deviceId="));
}

TEST_CASE_FIXTURE(model_fixture, "unknown and expired sessions get a page that says so") {
  const auto unknown = upstream.handle(
      {.method = "GET", .target = "/?onboarding_session_id=nope", .headers = {{"Accept-Language", "de-AT,de;q=0.9"}}});
  CHECK(unknown.status == 404);
  CHECK(shows(unknown, "Dieser Link ist ungültig"));
  CHECK(browse("/heat-pumps").status == 404);
  const auto id = create_session(creation("https://a.test/", "en"));
  advance(36h - 1ms);  // to the last millisecond of the next day
  CHECK(browse("/?onboarding_session_id=" + id).status == 200);
  advance(1ms);
  const auto expired = browse("/?onboarding_session_id=" + id);
  CHECK(expired.status == 410);
  CHECK(shows(expired, "This link has expired"));
}
