"""The channel of a session: the first rule that applies to where it came from."""

from oracle.knowledge import Knowledge
from oracle.origins import PAID_CLICK_IDS, SOCIAL_CLICK_IDS, Origin

_PAID_BY_KIND = {
    "search": "Paid Search",
    "social": "Paid Social",
    "video": "Paid Video",
    "shopping": "Paid Shopping",
}
_ORGANIC_BY_KIND = {
    "ai_assistant": "AI Assistants",
    "search": "Organic Search",
    "social": "Organic Social",
    "video": "Organic Video",
    "shopping": "Organic Shopping",
}
"""In the order in which they count."""


def channel_of(origin: Origin, knowledge: Knowledge) -> str:
    source, medium = origin.utm_source or "", origin.utm_medium or ""
    kind_of_source = knowledge.kind_of_source(origin.utm_source)
    kind_of_referrer = knowledge.kind_of_host(origin.referrer_host)
    is_social_click = origin.click_id_type in SOCIAL_CLICK_IDS

    if _is_paid(origin):
        kind = kind_of_referrer if origin.utm_source is None else kind_of_source
        if kind is None and is_social_click:
            kind = "social"
        return _paid_channel(kind, origin.click_id_type)
    if medium in ("display", "banner", "cpm"):
        return "Display"
    if {medium, source} & {"email", "e-mail", "newsletter"} or "email" in (kind_of_source, kind_of_referrer):
        return "Email"
    if medium in ("affiliate", "affiliates"):
        return "Affiliates"
    if "sms" in (medium, source):
        return "SMS"
    if {medium, source} & {"push", "web_push"}:
        return "Mobile Push Notifications"
    if medium == "organic":
        return "Organic Search"
    if medium in ("social", "social-network", "social-media", "sm"):
        return "Organic Social"
    if medium == "video":
        return "Organic Video"
    kinds = {kind_of_source, kind_of_referrer} | ({"social"} if is_social_click else set())
    for kind, channel in _ORGANIC_BY_KIND.items():
        if kind in kinds:
            return channel
    if origin.referrer_host is not None or medium == "referral":
        return "Referral"
    has_utm = any((source, medium, origin.utm_campaign, origin.utm_term, origin.utm_content))
    return "Unassigned" if has_utm else "Direct"


def _is_paid(origin: Origin) -> bool:
    medium = origin.utm_medium or ""
    return (
        origin.click_id_type in PAID_CLICK_IDS
        or medium in ("cpc", "ppc", "cpv", "retargeting")
        or medium.startswith("paid")
    )


def _paid_channel(kind: str | None, click_id_type: str | None) -> str:
    if kind is not None:
        return _PAID_BY_KIND.get(kind, "Paid Other")
    if click_id_type == "dclid":
        return "Display"
    return "Paid Search" if click_id_type in PAID_CLICK_IDS else "Paid Other"
