#include "simulator/model/connect_texts.hpp"

namespace simulator {
namespace {

constexpr connect_texts english{
    .language = "en",
    .product = "Connect a device",
    .step = "Step {n} of 4",
    .choose_type = "What would you like to connect?",
    .choose_type_lead = "Choose the kind of device.",
    .types = {"Heat pump", "Electric vehicle", "Inverter", "Wallbox"},
    .choose_manufacturer = "Who made your device?",
    .choose_manufacturer_lead = "Choose the manufacturer.",
    .proofs = {"With your account there", "With the serial number", "Through its hardware gateway"},
    .sign_in = "Sign in",
    .sign_in_lead = "Use the account that you have with the manufacturer.",
    .email = "Email address",
    .password = "Password",
    .password_hint = "This is a simulator: type anything. The password “wrong” is refused.",
    .serial_title = "Enter the serial number",
    .serial_lead = "You find it on the device's type plate.",
    .serial = "Serial number",
    .serial_hint = "6 to 20 letters and digits; this is a simulator, so any will do.",
    .gateway_title = "Connect through the hardware gateway",
    .gateway_lead = "This device is reached through the manufacturer's gateway. Its serial number is on its back.",
    .gateway_serial = "Serial number of the gateway",
    .proceed = "Continue",
    .back = "Back",
    .cancel = "Cancel",
    .found_title = "We found your device",
    .found_lead = "Link it, and it takes part in smart optimisation as you agreed.",
    .model = "Model",
    .made_by = "Manufacturer",
    .link_device = "Link device",
    .error_email = "Enter an email address such as name@example.com.",
    .error_password_missing = "Enter the password.",
    .error_password_refused = "The manufacturer does not accept this email address and password.",
    .error_serial = "Enter 6 to 20 letters and digits.",
    .unknown_title = "This link is not valid",
    .unknown_lead = "We do not know this onboarding session. Please start again where you came from.",
    .expired_title = "This link has expired",
    .expired_lead =
        "An onboarding session is valid until the end of the next day. Please start again where you came from.",
    .linked_title = "Your device is connected",
    .linked_lead = "There is nothing left to do here.",
    .return_link = "Return",
    .footer = "Podero simulator: no real device is connected.",
};

constexpr connect_texts german{
    .language = "de",
    .product = "Gerät verbinden",
    .step = "Schritt {n} von 4",
    .choose_type = "Was möchten Sie verbinden?",
    .choose_type_lead = "Wählen Sie die Art des Geräts.",
    .types = {"Wärmepumpe", "Elektroauto", "Wechselrichter", "Wallbox"},
    .choose_manufacturer = "Von wem ist Ihr Gerät?",
    .choose_manufacturer_lead = "Wählen Sie den Hersteller.",
    .proofs = {"Mit Ihrem Konto beim Hersteller", "Mit der Seriennummer", "Über das Gateway des Herstellers"},
    .sign_in = "Anmelden",
    .sign_in_lead = "Verwenden Sie Ihr Konto beim Hersteller.",
    .email = "E-Mail-Adresse",
    .password = "Passwort",
    .password_hint = "Dies ist ein Simulator: Jede Eingabe gilt. Das Passwort „wrong“ wird abgelehnt.",
    .serial_title = "Seriennummer eingeben",
    .serial_lead = "Sie steht auf dem Typenschild des Geräts.",
    .serial = "Seriennummer",
    .serial_hint = "6 bis 20 Buchstaben und Ziffern; dies ist ein Simulator, jede gilt.",
    .gateway_title = "Über das Gateway verbinden",
    .gateway_lead =
        "Dieses Gerät ist über das Gateway des Herstellers erreichbar. Dessen Seriennummer steht auf der Rückseite.",
    .gateway_serial = "Seriennummer des Gateways",
    .proceed = "Weiter",
    .back = "Zurück",
    .cancel = "Abbrechen",
    .found_title = "Wir haben Ihr Gerät gefunden",
    .found_lead = "Verbinden Sie es, und es nimmt wie vereinbart an der Optimierung teil.",
    .model = "Modell",
    .made_by = "Hersteller",
    .link_device = "Gerät verbinden",
    .error_email = "Geben Sie eine E-Mail-Adresse wie name@example.com ein.",
    .error_password_missing = "Geben Sie das Passwort ein.",
    .error_password_refused = "Der Hersteller nimmt diese E-Mail-Adresse mit diesem Passwort nicht an.",
    .error_serial = "Geben Sie 6 bis 20 Buchstaben und Ziffern ein.",
    .unknown_title = "Dieser Link ist ungültig",
    .unknown_lead = "Wir kennen diese Sitzung nicht. Bitte beginnen Sie dort neu, woher Sie kamen.",
    .expired_title = "Dieser Link ist abgelaufen",
    .expired_lead = "Eine Sitzung gilt bis zum Ende des nächsten Tages. Bitte beginnen Sie dort neu, woher Sie kamen.",
    .linked_title = "Ihr Gerät ist verbunden",
    .linked_lead = "Hier ist nichts weiter zu tun.",
    .return_link = "Zurückkehren",
    .footer = "Podero-Simulator: Es wird kein echtes Gerät verbunden.",
};

}  // namespace

const connect_texts& texts_for(std::string_view language) noexcept {
  return language.starts_with("de") ? german : english;
}

}  // namespace simulator
