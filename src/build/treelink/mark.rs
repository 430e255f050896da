//! The marks beside links to profiles: plain strokes on a grid of 24 by 24, drawn for this page. They
//! show what a place is for and resemble no brand's own sign.

use crate::model::Platform;

/// How a platform is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The platform's name.
    pub(super) name: &'static str,
    /// The path of its mark: strokes on a grid of 24 by 24, without fill.
    pub(super) path: &'static str,
}

/// A mail envelope.
pub(super) const MAIL: &str = "M3 6h18v12H3zM3 7l9 7 9-7";
/// A telephone's receiver.
pub(super) const PHONE: &str = "M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a1.5 1.5 0 0 1-1.6 1.5C10.5 20 4 13.5 3.5 5.6A1.5 1.5 0 0 1 5 4z";
/// A visiting card.
pub(super) const CARD: &str =
    "M3 5h18v14H3zM9 9.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zM6 16c0-3 6-3 6 0M15 10h3M15 14h3";
/// The three corners of a QR code.
pub(super) const CODE: &str =
    "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2M20 14v2M14 20h2M19 19h1v1";

impl From<Platform> for Mark {
    fn from(platform: Platform) -> Self {
        let (name, path) = match platform {
            Platform::Website => ("Website", GLOBE),
            Platform::Mastodon => ("Mastodon", NETWORK),
            Platform::Bluesky => ("Bluesky", CLOUD),
            Platform::Github => ("GitHub", BRANCH),
            Platform::Gitlab => ("GitLab", MERGE),
            Platform::Codeberg => ("Codeberg", BRACKETS),
            Platform::Linkedin => ("LinkedIn", BRIEFCASE),
            Platform::Instagram => ("Instagram", CAMERA),
            Platform::Youtube => ("YouTube", FILM),
            Platform::X => ("X", LINES),
            Platform::Threads => ("Threads", THREADS),
            Platform::Tiktok => ("TikTok", UPRIGHT_FILM),
            Platform::Telegram => ("Telegram", BUBBLE),
            Platform::Signal => ("Signal", LOCKED_BUBBLE),
            Platform::Matrix => ("Matrix", GRID),
            Platform::Twitch => ("Twitch", BROADCAST),
            Platform::Rss => ("RSS", FEED),
        };
        Self { name, path }
    }
}

const GLOBE: &str =
    "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18";
const NETWORK: &str = "M12 3a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM6 16a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM18 16a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM11 8l-4 8M13 8l4 8M8.5 18.5h7";
const CLOUD: &str = "M7 18a4 4 0 0 1 0-8 5.5 5.5 0 0 1 10.5 1.5 3.3 3.3 0 0 1-.5 6.5z";
const BRANCH: &str = "M7 3a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM7 17a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM17 6a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM7 7v10M17 10c0 4-10 2-10 7";
const MERGE: &str = "M7 3a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM7 17a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM17 14a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM7 7v10M7 7c0 6 4 9 8 9";
const BRACKETS: &str = "M8 7l-5 5 5 5M16 7l5 5-5 5M14 4l-4 16";
const BRIEFCASE: &str = "M3 8h18v12H3zM9 8V4h6v4M3 13h18";
const CAMERA: &str = "M3 8h4l2-3h6l2 3h4v11H3zM12 9.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z";
const FILM: &str = "M3 5h18v11H3zM10 8l5 2.5-5 2.5zM8 20h8";
const LINES: &str = "M4 5h16M4 10h16M4 15h10M4 20h6";
const THREADS: &str = "M5 4h14M5 20h14M7 4v16M17 4v16M7 8l10 3M7 12l10 3M7 16l10 3";
const UPRIGHT_FILM: &str = "M7 3h10v18H7zM10.5 9l4 3-4 3z";
const BUBBLE: &str = "M3 5h18v12H11l-5 4v-4H3zM7.5 9.5h9M7.5 13h5";
const LOCKED_BUBBLE: &str = "M3 4h18v13H11l-5 4v-4H3zM9 10h6v4H9zM10 10V9a2 2 0 0 1 4 0v1";
const GRID: &str = "M4 4h16v16H4zM4 9.3h16M4 14.7h16M9.3 4v16M14.7 4v16";
const BROADCAST: &str = "M12 11a1 1 0 1 1 0 2 1 1 0 0 1 0-2zM8.5 8.5a5 5 0 0 0 0 7M15.5 8.5a5 5 0 0 1 0 7M5.5 5.5a9 9 0 0 0 0 13M18.5 5.5a9 9 0 0 1 0 13";
const FEED: &str = "M6 17a1 1 0 1 1 0 2 1 1 0 0 1 0-2zM5 11a8 8 0 0 1 8 8M5 5a14 14 0 0 1 14 14";

#[cfg(test)]
mod tests {
    use super::*;

    /// Every platform of the schema, by the numbers of its enumerants.
    fn platforms() -> Vec<Platform> {
        (0..)
            .map_while(|number| Platform::try_from(number).ok())
            .collect()
    }

    #[test]
    fn every_platform_has_a_mark_of_its_own() {
        let mut marks: Vec<_> = platforms().into_iter().map(Mark::from).collect();
        assert_eq!(marks.len(), 17);
        marks.sort_by_key(|mark| mark.path);
        marks.dedup_by_key(|mark| mark.path);
        assert_eq!(marks.len(), 17);
    }

    #[test]
    fn marks_are_paths_and_nothing_else() {
        let paths = platforms()
            .into_iter()
            .map(|platform| Mark::from(platform).path);
        for path in paths.chain([MAIL, PHONE, CARD, CODE]) {
            assert!(path.starts_with('M'), "{path}");
            let known = |c: char| c.is_ascii_digit() || "MLHVCAZlhvcazm .-".contains(c);
            assert!(path.chars().all(known), "{path}");
        }
    }
}
