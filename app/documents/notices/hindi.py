"""Messages in Hindi."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.templates import Text

_HELLO = "नमस्ते{{#if customer_name}} {{ customer_name }}{{/if}},\n\n"
_FACTS = """
सेवा: {{ service }}
समय: {{ when }}
जगह: {{ venue }}{{#if venue_address}}, {{ venue_address }}{{/if}}
{{#if resources}}
आरक्षित: {{ resources }}
{{/if}}
{{#if party_size}}
लोगों की संख्या: {{ party_size }}
{{/if}}
{{#if total}}
कुल: {{ total }}
{{/if}}
संदर्भ संख्या: {{ ref }}
"""
_WAS = "{{#if was}}\nपहले का समय: {{ was }}\n{{/if}}\n"
_REASON = "\n{{#if reason}}\nकारण: {{ reason }}\n{{/if}}\n"
_MANAGE = "\n{{#if manage_url}}\nयह बुकिंग बदलें या रद्द करें:\n{{ manage_url }}\n{{/if}}\n"
_LOOK = "\n{{#if manage_url}}\nयह बुकिंग देखें:\n{{ manage_url }}\n{{/if}}\n"
_BYE = """
{{#if venue_email}}
कोई प्रश्न है? बस इस मेल का उत्तर दें।
{{/if}}
{{#if venue_phone}}
फ़ोन पर हमसे {{ venue_phone }} पर संपर्क करें।
{{/if}}

{{ venue }}
"""
_AT = "{{ service }}, {{ venue }}, {{ when }}. संदर्भ {{ ref }}."
_LINK = "{{#if manage_url}} बदलें या रद्द करें: {{ manage_url }}{{/if}}"
_WHY = "{{#if reason}} कारण: {{ reason }}{{/if}}"
_STAFF_FACTS = """
ग्राहक: {{ customer_name }}
सेवा: {{ service }}
समय: {{ when }}
जगह: {{ venue }}{{#if resources}}, {{ resources }}{{/if}}
{{#if party_size}}
लोगों की संख्या: {{ party_size }}
{{/if}}
{{#if total}}
कुल: {{ total }}
{{/if}}
संदर्भ संख्या: {{ ref }}
"""
_STAFF_AT = "{{ customer_name }}, {{ service }}, {{ when }}{{#if resources}}, {{ resources }}{{/if}}. संदर्भ {{ ref }}."
_CODE = "{{ code }} {{ host }} के लिए आपका कोड है। यह 5 मिनट तक मान्य है। इसे किसी को न बताएँ।"
_UNASKED = "\n\nअगर आपने कोड नहीं माँगा है, तो इस संदेश पर ध्यान न दें: कोड के बिना कुछ नहीं होगा।"
_NOT_YOU = "\n\nअगर यह आपने नहीं किया, तो साइन इन करके अपना पासवर्ड बदलें और हमें बताएँ।"
_TELL_US = " अगर यह आपने नहीं किया, तो हमें बताएँ।"

HINDI_PHRASES: Mapping[str, str] = {
    "totp.set_up": "इसे चालू किया गया",
    "totp.taken_off": "इसे हटाया गया",
    "totp.new_recovery_codes": "इसके लिए नए रिकवरी कोड बने",
    "totp.by_admin": "किसी एडमिन ने नया लगाया है",
}
HINDI: Mapping[str, Text] = {
    "code.register": Text(
        "{{ code }} पंजीकरण के लिए आपका कोड है",
        "आपका स्वागत है!\n\nआपका कोड है {{ code }}\n\nइसे {{ host }} पर वहीं डालें जहाँ आपने अभी पंजीकरण किया है; यह 5 मिनट तक "
        "मान्य है।" + _UNASKED,
        _CODE,
    ),
    "code.sign_in": Text(
        "{{ code }} साइन इन के लिए आपका कोड है",
        "आपका कोड है {{ code }}\n\nइसे {{ host }} पर वहीं डालें जहाँ आप साइन इन कर रहे हैं; यह 5 मिनट तक मान्य है। "
        "इसे किसी को न बताएँ।" + _UNASKED,
        _CODE,
    ),
    "code.reset": Text(
        "{{ code }} नए पासवर्ड के लिए आपका कोड है",
        "आपका कोड है {{ code }}\n\nनया पासवर्ड चुनने के लिए इसे {{ host }} पर डालें; यह 5 मिनट तक मान्य है।\n\n"
        "अगर आपने कोड नहीं माँगा है, तो इस संदेश पर ध्यान न दें: आपका पासवर्ड वही रहेगा।",
        _CODE,
    ),
    "code.change_email": Text(
        "{{ code }} इस पते की पुष्टि के लिए आपका कोड है",
        "आपका कोड है {{ code }}\n\nइसे अपने खाते का पता बनाने के लिए कोड {{ host }} पर डालें; यह 5 मिनट तक मान्य है।" + _UNASKED,
        _CODE,
    ),
    "code.change_phone": Text("{{ code }} इस नंबर की पुष्टि के लिए आपका कोड है", _CODE, _CODE),
    "account.exists": Text(
        "आपका खाता पहले से है",
        "किसी ने, शायद आपने ही, अभी {{ host }} पर इस पते से पंजीकरण करने की कोशिश की। इस पते का खाता पहले से है: इसके बजाय "
        "कोड से साइन इन करें।\n\nअगर यह आपने नहीं किया, तो कुछ करने की ज़रूरत नहीं है।",
        "इस नंबर का {{ host }} पर खाता पहले से है: इसके बजाय कोड से साइन इन करें।",
    ),
    "account.email_changed": Text(
        "आपके खाते का ई-मेल पता बदल गया है",
        "{{ host }} पर आपके खाते का ई-मेल पता अब दूसरा है।" + _NOT_YOU,
        "{{ host }} पर आपके खाते का ई-मेल पता बदल गया है।" + _TELL_US,
    ),
    "account.phone_changed": Text(
        "आपके खाते का फ़ोन नंबर बदल गया है",
        "{{ host }} पर आपके खाते का फ़ोन नंबर अब दूसरा है।" + _NOT_YOU,
        "{{ host }} पर आपके खाते का फ़ोन नंबर बदल गया है।" + _TELL_US,
    ),
    "account.password_changed": Text(
        "आपका पासवर्ड बदल गया है",
        "{{ host }} पर आपके खाते का पासवर्ड बदला गया, और बाकी सभी सत्र समाप्त कर दिए गए।" + _NOT_YOU,
        "{{ host }} पर आपके खाते का पासवर्ड बदल गया है।" + _TELL_US,
    ),
    "account.totp_changed": Text(
        "आपके खाते का दूसरा सुरक्षा चरण बदल गया है",
        "{{ host }} पर आपके खाते का दूसरा सुरक्षा चरण बदल गया है: {{ what }}।" + _NOT_YOU,
        "{{ host }} पर आपके खाते का दूसरा सुरक्षा चरण बदल गया है।" + _TELL_US,
    ),
    "account.recovery_code_used": Text(
        "एक रिकवरी कोड इस्तेमाल हुआ",
        "किसी ने रिकवरी कोड से {{ host }} पर आपके खाते में साइन इन किया है।" + _NOT_YOU,
        "{{ host }} पर आपके खाते के लिए एक रिकवरी कोड इस्तेमाल हुआ।" + _TELL_US,
    ),
    "account.erased": Text(
        "आपका खाता मिटा दिया गया",
        "{{ host }} पर आपका खाता, आपके नाम और पतों के साथ, मिटा दिया गया है। इस बारे में यह आख़िरी संदेश है।\n\n"
        "हमारे साथ रहने के लिए धन्यवाद।",
        "{{ host }} पर आपका खाता मिटा दिया गया।",
    ),
    "account.role_changed": Text(
        "आपके अधिकार बदल दिए गए",
        "{{ host }} पर आपका खाता क्या कर सकता है, यह बदल दिया गया है और उसके सत्र समाप्त कर दिए गए हैं। आगे बढ़ने के लिए फिर साइन इन करें।"
        + _NOT_YOU,
        "{{ host }} पर आपका खाता क्या कर सकता है, यह बदल दिया गया है।",
    ),
    "account.disabled": Text(
        "आपका खाता फ़िलहाल बंद कर दिया गया",
        "{{ host }} पर आपका खाता फ़िलहाल बंद कर दिया गया है: कोई उसमें साइन इन नहीं कर सकता। कारण न जानते हों तो हमसे पूछें।",
        "{{ host }} पर आपका खाता फ़िलहाल बंद कर दिया गया है। कारण न जानते हों तो हमसे पूछें।",
    ),
    "account.enabled": Text(
        "आपका खाता फिर खुल गया",
        "{{ host }} पर आपका खाता फिर खुल गया है: आप साइन इन कर सकते हैं।" + _NOT_YOU,
        "{{ host }} पर आपका खाता फिर खुल गया है।",
    ),
    "account.api_key_made": Text(
        "सर्वरों के लिए एक कुंजी बनाई गई",
        "आपके खाते से एक कुंजी बनाई गई है, जिससे कोई सर्वर {{ host }} पर काम कर सकता है।" + _NOT_YOU,
        "{{ host }} पर आपके खाते से सर्वरों के लिए एक कुंजी बनाई गई।",
    ),
    "booking.confirmed": Text(
        "आपकी बुकिंग: {{ service }}, {{ starts }}",
        _HELLO + "आपकी बुकिंग पक्की है। हमें आपका इंतज़ार रहेगा।\n" + _FACTS + _MANAGE + _BYE,
        "बुकिंग पक्की: " + _AT + _LINK,
    ),
    "booking.requested": Text(
        "आपका अनुरोध: {{ service }}, {{ starts }}",
        _HELLO + "आपके अनुरोध के लिए धन्यवाद। हमारा उत्तर आने तक यह समय आपके लिए रखा गया है"
        "{{#if answer_by}}; उत्तर {{ answer_by }} तक मिल जाएगा{{/if}}।\n" + _FACTS + _MANAGE + _BYE,
        "अनुरोध मिला: " + _AT + " हम जल्द उत्तर देंगे।" + _LINK,
    ),
    "booking.approved": Text(
        "पुष्टि हो गई: {{ service }}, {{ starts }}",
        _HELLO + "अच्छी ख़बर: आपका अनुरोध स्वीकार हो गया है और आपकी बुकिंग पक्की है।\n" + _FACTS + _MANAGE + _BYE,
        "पुष्टि हो गई: " + _AT + _LINK,
    ),
    "booking.declined": Text(
        "अनुरोध स्वीकार नहीं हो सका: {{ service }}, {{ starts }}",
        _HELLO
        + "हमें खेद है: इस समय के लिए आपका अनुरोध हम स्वीकार नहीं कर सके।\n"
        + _REASON
        + _FACTS
        + _LOOK
        + "\nशायद कोई और समय ख़ाली हो; आप फिर से बुक कर सकते हैं।\n"
        + _BYE,
        "खेद है, अनुरोध स्वीकार नहीं हो सका: " + _AT + _WHY,
    ),
    "booking.rescheduled": Text(
        "नया समय {{ starts }}: {{ service }}",
        _HELLO + "आपकी बुकिंग का समय बदल गया है।\n" + _REASON + _FACTS + _WAS + _MANAGE + _BYE,
        "समय बदला: " + _AT + _LINK,
    ),
    "booking.cancelled": Text(
        "रद्द: {{ service }}, {{ starts }}",
        _HELLO
        + "आपकी बुकिंग रद्द कर दी गई है। आपको और कुछ नहीं करना है।\n"
        + _REASON
        + _FACTS
        + _LOOK
        + "\nआशा है कि फिर कभी आपसे मिलेंगे।\n"
        + _BYE,
        "रद्द: " + _AT + _WHY,
    ),
    "booking.expired": Text(
        "अनुरोध का समय पर उत्तर नहीं मिला: {{ service }}, {{ starts }}",
        _HELLO
        + "हमें खेद है: आपके अनुरोध का समय पर उत्तर नहीं दिया गया, और यह समय अब आपके लिए नहीं रखा है।\n"
        + _FACTS
        + _LOOK
        + "\nकृपया कोई और समय चुनें या हमसे संपर्क करें।\n"
        + _BYE,
        "खेद है, अनुरोध का समय पर उत्तर नहीं मिला: " + _AT,
    ),
    "booking.reminder": Text(
        "जल्द मिलते हैं: {{ service }}, {{ starts }}",
        _HELLO + "यह आपकी बुकिंग की याद दिलाने के लिए है। हमें आपका इंतज़ार रहेगा।\n" + _FACTS + _MANAGE + _BYE,
        "याद दिला दें: " + _AT + _LINK,
    ),
    "staff.booked": Text(
        "नई बुकिंग: {{ service }}, {{ starts }}, {{ customer_name }}",
        "एक नई बुकिंग आई है।\n" + _STAFF_FACTS,
        "नई बुकिंग: " + _STAFF_AT,
    ),
    "staff.requested": Text(
        "उत्तर देना है: {{ service }}, {{ starts }}, {{ customer_name }}",
        "एक नया अनुरोध आया है। कृपया इसे स्वीकार या अस्वीकार करें।"
        "{{#if answer_by}} इसके लिए {{ answer_by }} तक का समय है।{{/if}}\n" + _STAFF_FACTS,
        "नया अनुरोध: " + _STAFF_AT + "{{#if answer_by}} {{ answer_by }} तक उत्तर दें।{{/if}}",
    ),
    "staff.cancelled": Text(
        "रद्द: {{ service }}, {{ starts }}, {{ customer_name }}",
        "एक बुकिंग रद्द हुई है; उसका समय फिर से ख़ाली है।\n" + _STAFF_FACTS + _REASON,
        "रद्द: " + _STAFF_AT + _WHY,
    ),
    "staff.rescheduled": Text(
        "नया समय {{ starts }}: {{ service }}, {{ customer_name }}",
        "एक बुकिंग का समय बदला है।\n" + _STAFF_FACTS + _WAS + _REASON,
        "समय बदला: " + _STAFF_AT + "{{#if was}} पहले: {{ was }}.{{/if}}",
    ),
    "staff.expired": Text(
        "समय पर उत्तर नहीं दिया गया: {{ service }}, {{ starts }}, {{ customer_name }}",
        "एक अनुरोध का समय पर उत्तर नहीं दिया गया। वह समय फिर से ख़ाली है, और ग्राहक को बता दिया गया है।\n" + _STAFF_FACTS,
        "समय पर उत्तर नहीं दिया गया: " + _STAFF_AT,
    ),
}
