"""Static words of the sample world: countries, browsers, channels, spaces, products, reviews.

Nothing here is random; `world` and `sessions` choose from these lists. Weights are relative.
"""

# Texts that stand where an event has no id.
SHARED_IDS: tuple[str, ...] = (
    "undefined", "null", "00000000-0000-0000-0000-000000000000", "0", "-1", "NaN", "[object Object]",
)  # fmt: skip

COUNTRIES: list[tuple[str, int]] = [
    ("US", 30), ("DE", 14), ("GB", 12), ("FR", 8), ("CA", 6), ("NL", 5), ("ES", 5), ("IN", 5),
    ("IT", 4), ("AU", 4), ("BR", 4), ("JP", 3),
]  # fmt: skip

# (user agent, device type, weight)
BROWSERS: list[tuple[str, str, int]] = [
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/131.0.0.0 Safari/537.36", "desktop", 26),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/18.1 Safari/605.1.15", "desktop", 10),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0", "desktop", 6),
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
     "Safari/537.36", "desktop", 3),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "desktop", 8),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/18.1 Mobile/15E148 Safari/604.1", "mobile", 22),
    ("Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/131.0.0.0 Mobile Safari/537.36", "mobile", 14),
    ("Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/130.0.0.0 Mobile Safari/537.36", "mobile", 6),
    ("Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/17.6 Mobile/15E148 Safari/604.1", "tablet", 5),
]  # fmt: skip

CRAWLER_USER_AGENTS: list[str] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0.0.0 "
    "Safari/537.36",
    "python-requests/2.32.3",
]

# (referrer, query of the landing page, weight)
CHANNELS: list[tuple[str, str, int]] = [
    ("", "", 30),
    ("https://www.google.com/", "", 22),
    ("https://www.bing.com/", "", 5),
    ("https://duckduckgo.com/", "", 3),
    ("https://www.google.com/", "?utm_source=google&utm_medium=cpc&utm_campaign=brand", 8),
    ("https://www.facebook.com/", "", 6),
    ("https://www.instagram.com/", "?utm_source=instagram&utm_medium=social&utm_campaign=reels", 6),
    ("https://www.linkedin.com/", "", 4),
    ("", "?utm_source=newsletter&utm_medium=email&utm_campaign=new-spaces", 8),
    ("https://mail.google.com/", "?utm_source=crm&utm_medium=email&utm_campaign=win-back", 3),
    ("https://www.apartment-portal.example/listings", "", 5),
]

SPACE_TYPES: list[str] = [
    "apartment",
    "apartment",
    "apartment",
    "house",
    "office",
    "retail",
    "hotel",
    "amenity",
]
SPACE_NAMES: list[str] = [
    "Marina Heights", "Königsallee Loft", "Château Suite", "Harbour View", "Cedar Court", "The Foundry",
    "Sunset Terrace", "Park Lane", "Old Mill", "Riverside", "Skyline", "Jardín Norte",
]  # fmt: skip
COMMUNITIES: list[str] = ["Riverbend", "Old Town", "Harbor District", "Parkside", "Altstadt"]
FLOORPLANS: list[str] = ["Studio", "1 Bed", "2 Bed", "3 Bed", "Open Plan"]
ROOM_NAMES: list[str] = [
    "LIVING ROOM", "KITCHEN", "BEDROOM 1", "BEDROOM 2", "BATHROOM", "BALCONY", "ENTRANCE", "OFFICE", "DINING",
]  # fmt: skip

CATEGORIES: dict[str, list[str]] = {
    "electronics": ["Headphones", 'Tablet 11"', "Smart Speaker", "Camera", "Monitor"],
    "furniture": ["Lounge Chair", "Oak Table", "Bookshelf", "Desk", "Sofa"],
    "lighting": ["Floor Lamp", "Pendant", "Desk Lamp", "LED Strip", "Wall Light"],
    "kitchen": ["Espresso Machine", "Crème Brûlée Set", "Knife Block", "Kettle", "Pan"],
    "garden": ["Planter", "Fire Pit", "Hammock", "Parasol", "Bench"],
    "textiles": ["Rug", "Curtain", "Throw", "Cushion", "Bed Linen"],
    "toys": ["Train Set", "Puzzle", "Building Blocks", "Plush Bear", "Kite"],
    "books": ["Interior Design", "Architecture Atlas", "Cook Book", "City Guide", "Novel"],
}
BRANDS: list[str] = ["Nordlys", "Haus & Hof", "Brightside", "Casa Nova", "Evergreen", "Kumo"]
SEARCHES: list[str] = [
    "lamp", "oak table", "tablet 11\" case", "crème brûlée", "schöne Lampe", "rug 200x300", "gift ideas",
    "wireless headphones", "sofa, grey", "kids puzzle", "ヘッドホン", "planter",
]  # fmt: skip

RETURN_STATUSES: list[str] = ["returned", "refunded"]
REVIEW_TEXTS: dict[int, list[str]] = {
    1: ["Broke after a day.", "Not as described, sent back."],
    2: ["Smaller than expected, but okay.", "Took three weeks, no update."],
    3: ["Fine.", "Does what it says, nothing more"],
    4: ["Good value, would buy again", 'Nice colour, "almost" perfect'],
    5: ["Wunderschön, sehr zufrieden!", "Perfect.\nArrived early, well packed."],
}
