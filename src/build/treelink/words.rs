//! The few words that a page adds to its owner's, by language.

/// A page's own words in one language.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// The language, as a BCP 47 primary subtag.
    pub(super) language: &'static str,
    /// The name of the row of profiles.
    pub(super) profiles: &'static str,
    /// The name of the row of contact links.
    pub(super) contact: &'static str,
    /// Write a mail.
    pub(super) email: &'static str,
    /// Call.
    pub(super) phone: &'static str,
    /// Take over the vCard.
    pub(super) save: &'static str,
    /// The QR code.
    pub(super) code: &'static str,
    /// The note that a sensitive link is folded behind.
    pub(super) adults: &'static str,
    /// The title of the page for addresses that do not exist.
    pub(super) missing: &'static str,
    /// Its sentence.
    pub(super) nothing: &'static str,
}

impl Words {
    /// The words for a BCP 47 tag, by its primary subtag; English where there are none.
    pub(super) fn of(tag: &str) -> &'static Self {
        let primary = primary(tag);
        WORDS
            .iter()
            .find(|words| words.language.eq_ignore_ascii_case(primary))
            .unwrap_or(&ENGLISH)
    }

    /// Whether these words are in the language of this tag.
    pub(super) fn speaks(&self, tag: &str) -> bool {
        self.language.eq_ignore_ascii_case(primary(tag))
    }
}

fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or_default()
}

/// Whether text of this language runs from right to left: by the script subtag where there is one
/// (BCP 47 section 2.2.3), otherwise by the script that the language is mostly written in.
pub(super) fn right_to_left(tag: &str) -> bool {
    let within = |list: &[&str], part: &str| list.iter().any(|one| one.eq_ignore_ascii_case(part));
    tag.split('-')
        .skip(1)
        .find(|part| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_alphabetic()))
        .map_or_else(
            || within(&LANGUAGES, primary(tag)),
            |script| within(&SCRIPTS, script),
        )
}

/// Scripts that run from right to left (ISO 15924), those in living use.
const SCRIPTS: [&str; 11] = [
    "Adlm", "Arab", "Aran", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa", "Yezi",
];

/// Languages whose usual script is one of those.
const LANGUAGES: [&str; 20] = [
    "ar", "arc", "arz", "ckb", "dv", "fa", "glk", "he", "iw", "ji", "ks", "lrc", "mzn", "nqo",
    "ps", "sd", "syr", "ug", "ur", "yi",
];

const ENGLISH: Words = Words {
    language: "en",
    profiles: "Profiles",
    contact: "Contact",
    email: "Email",
    phone: "Phone",
    save: "Save contact",
    code: "QR code",
    adults: "For adults only. Show the link",
    missing: "Page not found",
    nothing: "There is nothing at this address.",
};

const WORDS: [Words; 12] = [
    ENGLISH,
    Words {
        language: "de",
        profiles: "Profile",
        contact: "Kontakt",
        email: "E-Mail",
        phone: "Telefon",
        save: "Kontakt speichern",
        code: "QR-Code",
        adults: "Nur für Erwachsene. Link zeigen",
        missing: "Seite nicht gefunden",
        nothing: "Unter dieser Adresse gibt es nichts.",
    },
    Words {
        language: "fr",
        profiles: "Profils",
        contact: "Contact",
        email: "E-mail",
        phone: "Téléphone",
        save: "Enregistrer le contact",
        code: "Code QR",
        adults: "Réservé aux adultes. Afficher le lien",
        missing: "Page introuvable",
        nothing: "Il n’y a rien à cette adresse.",
    },
    Words {
        language: "es",
        profiles: "Perfiles",
        contact: "Contacto",
        email: "Correo",
        phone: "Teléfono",
        save: "Guardar contacto",
        code: "Código QR",
        adults: "Solo para adultos. Mostrar el enlace",
        missing: "Página no encontrada",
        nothing: "No hay nada en esta dirección.",
    },
    Words {
        language: "pt",
        profiles: "Perfis",
        contact: "Contacto",
        email: "E-mail",
        phone: "Telefone",
        save: "Guardar contacto",
        code: "Código QR",
        adults: "Só para adultos. Mostrar a ligação",
        missing: "Página não encontrada",
        nothing: "Não há nada neste endereço.",
    },
    Words {
        language: "it",
        profiles: "Profili",
        contact: "Contatti",
        email: "E-mail",
        phone: "Telefono",
        save: "Salva contatto",
        code: "Codice QR",
        adults: "Solo per adulti. Mostra il link",
        missing: "Pagina non trovata",
        nothing: "Non c’è nulla a questo indirizzo.",
    },
    Words {
        language: "nl",
        profiles: "Profielen",
        contact: "Contact",
        email: "E-mail",
        phone: "Telefoon",
        save: "Contact opslaan",
        code: "QR-code",
        adults: "Alleen voor volwassenen. Toon de link",
        missing: "Pagina niet gevonden",
        nothing: "Op dit adres is niets te vinden.",
    },
    Words {
        language: "pl",
        profiles: "Profile",
        contact: "Kontakt",
        email: "E-mail",
        phone: "Telefon",
        save: "Zapisz kontakt",
        code: "Kod QR",
        adults: "Tylko dla dorosłych. Pokaż link",
        missing: "Nie znaleziono strony",
        nothing: "Pod tym adresem nic nie ma.",
    },
    Words {
        language: "ar",
        profiles: "الحسابات",
        contact: "التواصل",
        email: "البريد الإلكتروني",
        phone: "الهاتف",
        save: "حفظ جهة الاتصال",
        code: "رمز QR",
        adults: "للبالغين فقط. إظهار الرابط",
        missing: "الصفحة غير موجودة",
        nothing: "لا يوجد شيء في هذا العنوان.",
    },
    Words {
        language: "he",
        profiles: "פרופילים",
        contact: "יצירת קשר",
        email: "דוא״ל",
        phone: "טלפון",
        save: "שמירת איש קשר",
        code: "קוד QR",
        adults: "למבוגרים בלבד. הצגת הקישור",
        missing: "הדף לא נמצא",
        nothing: "אין דבר בכתובת הזאת.",
    },
    Words {
        language: "fa",
        profiles: "نمایه‌ها",
        contact: "تماس",
        email: "ایمیل",
        phone: "تلفن",
        save: "ذخیرهٔ مخاطب",
        code: "کد QR",
        adults: "فقط برای بزرگسالان. نمایش پیوند",
        missing: "صفحه پیدا نشد",
        nothing: "در این نشانی چیزی نیست.",
    },
    Words {
        language: "ja",
        profiles: "プロフィール",
        contact: "連絡先",
        email: "メール",
        phone: "電話",
        save: "連絡先を保存",
        code: "QRコード",
        adults: "成人向け。リンクを表示",
        missing: "ページが見つかりません",
        nothing: "このアドレスには何もありません。",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_the_primary_subtag() {
        for (tag, email) in [("pt-BR", "E-mail"), ("DE", "E-Mail"), ("ja", "メール")] {
            assert_eq!(Words::of(tag).email, email);
            assert!(Words::of(tag).speaks(tag));
        }
        assert_eq!(Words::of("tlh"), &ENGLISH);
        assert!(!Words::of("tlh").speaks("tlh"));
    }

    #[test]
    fn direction_follows_script_then_language() {
        for (tag, rtl) in [
            ("ar", true),
            ("he-IL", true),
            ("fa", true),
            ("ur-PK", true),
            ("ckb", true),
            ("en", false),
            ("pt-BR", false),
            ("pa-Arab", true),
            ("pa-Arab-PK", true),
            ("pa", false),
            ("ks-Deva", false),
            ("uz-arab", true),
            ("yi-Latn", false),
            // A variant of four begins with a digit: no script.
            ("de-1996", false),
        ] {
            assert_eq!(right_to_left(tag), rtl, "{tag}");
        }
    }
}
