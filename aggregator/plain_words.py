"""Words that tell nothing of what a piece of news is about, in lower case: days, months, hours, numerals."""

CALENDAR = frozenset(
    {
        "senin", "selasa", "rabu", "kamis", "jumat", "sabtu", "minggu", "ahad", "januari", "februari", "maret", "april",
        "mei", "juni", "juli", "agustus", "september", "oktober", "november", "desember", "wib", "wita", "wit",
    }
)  # fmt: skip
NUMERALS = frozenset(
    {
        "nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan", "sepuluh", "sebelas",
        "seratus", "seribu", "sejuta", "semiliar", "belas", "puluh", "ratus", "ribu", "juta", "miliar", "triliun",
        "belasan", "puluhan", "ratusan", "ribuan", "jutaan", "miliaran", "triliunan", "setengah", "kedua", "ketiga",
        "keempat", "kelima", "keenam", "ketujuh", "kedelapan", "kesembilan", "kesepuluh", "persen",
    }
)  # fmt: skip
