//! Rows laid out in columns, for people.

use anstyle::{AnsiColor, Style};
use std::io;

/// How wide a column is kept at least when the terminal is narrow: what is cut off further says nothing.
const NARROWEST: usize = 12;

/// Between two columns.
const GAP: usize = 2;

/// One text of a row.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    color: Option<AnsiColor>,
}

impl Cell {
    /// A text in a colour, where colours are shown.
    pub(super) fn colored(text: impl Into<String>, color: AnsiColor) -> Self {
        Self {
            text: text.into(),
            color: Some(color),
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    /// The text, with its end cut off where there is no room for it.
    fn within(&self, width: usize) -> String {
        if self.width() <= width {
            return self.text.clone();
        }
        let mut text: String = self.text.chars().take(width.saturating_sub(1)).collect();
        text.truncate(text.trim_end().len());
        text.push('…');
        text
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            color: None,
        }
    }
}

/// How a table is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Form {
    /// Whether colours are.
    pub(super) color: bool,
    /// How many characters a line has; as many as it takes if `None`.
    pub(super) width: Option<usize>,
}

impl Form {
    /// For standard output: a terminal's lines are not broken.
    pub(super) fn of_output(color: bool) -> Self {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        let columns = size.map(|size| usize::from(size.ws_col));
        Self {
            color,
            width: columns.filter(|columns| *columns > 0),
        }
    }
}

/// Lays out rows in columns as wide as their widest text. Where that is too wide, the last column is cut off.
pub(super) fn table(rows: &[Vec<Cell>], form: Form) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let mut widths: Vec<usize> = (0..columns)
        .map(|column| cells(column).map(Cell::width).max().unwrap_or(0))
        .collect();
    if let (Some(width), Some((last, others))) = (form.width, widths.split_last_mut()) {
        let before: usize = others.iter().map(|width| width + GAP).sum();
        *last = (*last).min(width.saturating_sub(before).max(NARROWEST));
    }
    let lines = rows.iter().map(|row| line(row, &widths, form.color));
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

fn line(row: &[Cell], widths: &[usize], color: bool) -> String {
    let mut line = String::new();
    // Spaces are written when something follows them.
    let mut gap = 0;
    for (cell, width) in row.iter().zip(widths) {
        let text = cell.within(*width);
        let taken = text.chars().count();
        if taken > 0 {
            line.extend(std::iter::repeat_n(' ', gap));
            gap = 0;
        }
        match cell.color.filter(|_| color && taken > 0) {
            Some(color) => {
                let style = Style::new().fg_color(Some(color.into()));
                line.push_str(&format_args!("{style}{text}{style:#}").to_string());
            }
            None => line.push_str(&text),
        }
        gap += width - taken + GAP;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn rows() -> Vec<Vec<Cell>> {
        vec![
            vec!["SITE".into(), "STATE".into(), "NOTE".into()],
            vec![
                "blog".into(),
                Cell::colored("failed", AnsiColor::Red),
                "the service is not reachable".into(),
            ],
            vec![
                "field-notes".into(),
                Cell::colored("live", AnsiColor::Green),
                "".into(),
            ],
            vec!["Über".into(), "".into(), "protected".into()],
        ]
    }

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        assert_snapshot!(table(&rows(), Form::default()), @"
        SITE         STATE   NOTE
        blog         failed  the service is not reachable
        field-notes  live
        Über                 protected
        ");
    }

    #[test]
    fn a_narrow_terminal_cuts_the_last_column_off() {
        let form = |width| Form {
            width: Some(width),
            ..Form::default()
        };
        assert_snapshot!(table(&rows(), form(40)), @"
        SITE         STATE   NOTE
        blog         failed  the service is not…
        field-notes  live
        Über                 protected
        ");
        // Elsewhere lines are broken.
        assert_snapshot!(table(&rows(), form(8)), @"
        SITE         STATE   NOTE
        blog         failed  the service…
        field-notes  live
        Über                 protected
        ");
    }

    #[test]
    fn colours_take_no_room() {
        let form = Form {
            color: true,
            width: None,
        };
        let text = table(&rows(), form).replace('\u{1b}', "ESC");
        assert_snapshot!(text, @"
        SITE         STATE   NOTE
        blog         ESC[31mfailedESC[0m  the service is not reachable
        field-notes  ESC[32mliveESC[0m
        Über                 protected
        ");
    }

    #[test]
    fn no_rows_are_no_text() {
        assert_eq!(
            table(
                &[],
                Form {
                    width: Some(80),
                    color: true
                }
            ),
            ""
        );
    }
}
