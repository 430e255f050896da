//! Pages of links that show all a page can hold: every arrangement, scheme and shape, both directions,
//! pictures and initials, few entries and many.

use mycelia_spore::build::treelink::Page;
use mycelia_spore::model::{
    Avatar, ColorScheme, Contact, EmailAddress, Entry, EntryContent, Handle, HttpsUrl, Line, Lines,
    Link, LinkUrl, Parse, PhoneNumber, Picture, Platform, Rgb, Seo, Shape, Social, TextDirection,
    Theme, ThemePreset, Treelink,
};

/// A page with what else it needs to be rendered.
pub struct Sample {
    /// What the page is called in test output.
    pub name: &'static str,
    content: Treelink,
    language: &'static str,
}

impl Sample {
    /// The page as it is at 1 December 2026.
    pub fn page(&self) -> Page<'_> {
        Page {
            content: &self.content,
            title: "Spore",
            description: "",
            language: self.language,
            base_url: "https://www.spore.example",
            now: "2026-12-01T00:00:00Z".parse().unwrap(),
        }
    }
}

/// All samples.
pub fn all() -> Vec<Sample> {
    vec![plain(), filled(), card(), many()]
}

/// The quiet arrangement in the visitor's own scheme.
pub fn plain() -> Sample {
    let mut sensitive = link("Field diary, unedited", "https://diary.example/", "");
    sensitive.sensitive = true;
    let mut featured = link(
        "The Fern Almanac",
        "https://almanac.example/2026",
        "A year of ferns, week by week. Out now.",
    );
    featured.featured = true;
    let content = Treelink {
        name: parse("Rosa Fernández"),
        headline: parse("Mycologist and letterpress printer, Porto"),
        bio: parse(
            "I look at small things for a long time and write down what they do.\nMostly fungi, sometimes ferns.",
        ),
        avatar: avatar("A painted landscape: green hills under a low sun"),
        entries: vec![
            show(featured),
            show(link(
                "Field notes",
                "https://notes.example/",
                "Short pieces from wet forests",
            )),
            show(link("Printing workshop", "https://print.example/", "")),
            heading("Talks"),
            text(
                "Slides are free to use. Write to me if you want the sources, or a talk at your own place.",
            ),
            show(link(
                "What lichens know",
                "https://talks.example/lichens",
                "Lisbon, 2026",
            )),
            show(link(
                "Spores on the wind",
                "https://talks.example/spores",
                "Ghent, 2025",
            )),
            show(link(
                "Call the workshop",
                "tel:+351912345678",
                "Tuesdays, 10 to 16",
            )),
            show(sensitive),
        ],
        socials: vec![
            social(Platform::Website, "https://www.fernandez.example/", ""),
            social(Platform::Mastodon, "https://social.example/@rosa", ""),
            social(Platform::Github, "https://github.com/rosa", "rosa"),
            social(Platform::Rss, "https://notes.example/feed.xml", ""),
        ],
        contact: Contact {
            email: Some(parse("rosa@fernandez.example")),
            phone: Some(parse("+351 912 345 678")),
            vcard: true,
        },
        verify: vec![parse("https://social.example/@rosa")],
        footer: parse("Printed with care in Porto."),
        ..blank()
    };
    Sample {
        name: "plain",
        content,
        language: "en",
    }
}

/// Filled buttons, light always, half-round, an accent that is hard to read on.
pub fn filled() -> Sample {
    let mut featured = link(
        "Novo disco: Maré Baixa",
        "https://disco.example/",
        "Já disponível",
    );
    featured.featured = true;
    let content = Treelink {
        name: parse("Maré"),
        headline: parse("Música para dias de chuva"),
        entries: vec![
            show(featured),
            show(link("Ouvir", "https://ouvir.example/", "")),
            show(link(
                "Concertos",
                "https://concertos.example/",
                "Lisboa, Braga, Faro",
            )),
            show(link("Loja", "https://loja.example/", "")),
        ],
        socials: vec![
            social(
                Platform::Instagram,
                "https://www.instagram.com/mare",
                "mare",
            ),
            social(Platform::Youtube, "https://www.youtube.com/@mare", "mare"),
        ],
        contact: Contact {
            email: Some(parse("ola@mare.example")),
            ..Contact::default()
        },
        theme: theme(
            ThemePreset::Filled,
            "#ffc400",
            ColorScheme::Light,
            Shape::Pill,
        ),
        ..blank()
    };
    Sample {
        name: "filled",
        content,
        language: "pt",
    }
}

/// A card that reads from right to left.
pub fn card() -> Sample {
    let mut featured = link(
        "الكتاب الجديد",
        "https://kitab.example/",
        "متوفر الآن في المكتبات",
    );
    featured.featured = true;
    let mut sensitive = link("يوميات", "https://diary.example/", "");
    sensitive.sensitive = true;
    let content = Treelink {
        name: parse("ليلى حداد"),
        headline: parse("كاتبة ومصورة"),
        bio: parse("أكتب عن المدن والحدائق، وألتقط صوراً لما بينهما."),
        avatar: avatar("منظر طبيعي"),
        entries: vec![
            show(featured),
            show(link("مدونتي", "https://blog.example/", "")),
            heading("صور"),
            show(link("معرض الصور", "https://photos.example/", "بيروت وعمّان")),
            show(sensitive),
        ],
        socials: vec![
            social(
                Platform::Bluesky,
                "https://bsky.app/profile/layla.example",
                "layla.example",
            ),
            social(Platform::Telegram, "https://t.me/layla", "layla"),
        ],
        contact: Contact {
            email: Some(parse("layla@haddad.example")),
            phone: Some(parse("+961 1 234 567")),
            vcard: true,
        },
        theme: theme(
            ThemePreset::Card,
            "#7a3cff",
            ColorScheme::Auto,
            Shape::Rounded,
        ),
        footer: parse("جميع الحقوق محفوظة"),
        ..blank()
    };
    Sample {
        name: "card",
        content,
        language: "ar",
    }
}

/// More than thirty entries, every platform, dark always, long words without a break.
pub fn many() -> Sample {
    let mut entries = vec![heading("Projects")];
    for number in 1..=34 {
        let title = format!("Project number {number}");
        let url = format!("https://projects.example/{number}");
        let subtitle = match number % 3 {
            0 => "",
            1 => "A small tool that does one thing and then stops",
            _ => "Notes, measurements and the occasional drawing",
        };
        if number == 18 {
            entries.push(heading("Older projects"));
        }
        entries.push(show(link(&title, &url, subtitle)));
    }
    entries.push(show(link(
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
        "https://word.example/",
        "",
    )));
    let platforms = (0..).map_while(|number| Platform::try_from(number).ok());
    let profile = |platform| social(platform, "https://profiles.example/spore", "spore");
    let content = Treelink {
        headline: parse("Everything we have ever made, on one page"),
        entries,
        socials: platforms.map(profile).collect(),
        theme: theme(
            ThemePreset::Plain,
            "#1b2a4a",
            ColorScheme::Dark,
            Shape::Square,
        ),
        ..blank()
    };
    Sample {
        name: "many",
        content,
        language: "en",
    }
}

fn blank() -> Treelink {
    Treelink {
        name: Line::default(),
        headline: Line::default(),
        bio: Lines::default(),
        avatar: Avatar {
            image: None,
            alt: Line::default(),
        },
        entries: Vec::new(),
        socials: Vec::new(),
        contact: Contact::default(),
        theme: Theme::default(),
        seo: Seo::default(),
        verify: Vec::new(),
        footer: Line::default(),
        direction: TextDirection::Auto,
    }
}

fn parse<T: Parse>(text: &str) -> T {
    T::parse(text).unwrap_or_else(|defect| panic!("{text}: {defect:?}"))
}

fn avatar(alt: &str) -> Avatar {
    let bytes = include_bytes!("../fixtures/treelink/avatar.png");
    Avatar {
        image: Picture::sniff(bytes),
        alt: parse(alt),
    }
}

fn link(title: &str, url: &str, subtitle: &str) -> Link {
    Link {
        title: parse(title),
        url: parse::<LinkUrl>(url),
        subtitle: parse(subtitle),
        featured: false,
        sensitive: false,
    }
}

fn show(link: Link) -> Entry {
    always(EntryContent::Link(link))
}

fn heading(text: &str) -> Entry {
    always(EntryContent::Heading(parse(text)))
}

fn text(text: &str) -> Entry {
    always(EntryContent::Text(parse(text)))
}

fn always(content: EntryContent) -> Entry {
    Entry {
        content,
        not_before: None,
        not_after: None,
    }
}

fn social(platform: Platform, url: &str, handle: &str) -> Social {
    Social {
        platform,
        url: parse::<HttpsUrl>(url),
        handle: (!handle.is_empty()).then(|| parse::<Handle>(handle)),
    }
}

fn theme(preset: ThemePreset, accent: &str, scheme: ColorScheme, shape: Shape) -> Theme {
    Theme {
        preset,
        accent: parse::<Rgb>(accent),
        scheme,
        shape,
    }
}
