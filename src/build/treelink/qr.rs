//! The page's address as a QR code (ISO/IEC 18004), drawn as SVG.

use fast_qr::{ECL, QRBuilder, QRCode, qr::QRCodeError};
use std::fmt::Write;

/// The width of the quiet zone in modules, as ISO/IEC 18004 asks for.
const QUIET: usize = 4;

/// An SVG picture of the QR code of `text`, dark on white whatever the page's scheme.
///
/// # Errors
/// When the text is longer than the 2,331 bytes that the largest code holds at level M.
pub(super) fn svg(text: &str) -> Result<String, QRCodeError> {
    let code = QRBuilder::new(text).ecl(ECL::M).build()?;
    let side = code.size + 2 * QUIET;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{side}\" height=\"{side}\" \
         viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
         <path d=\"{}\"/></svg>\n",
        modules(&code)
    ))
}

/// The dark modules as one path; neighbours in a row are drawn as one, so that no seam shows.
fn modules(code: &QRCode) -> String {
    let mut path = String::new();
    for row in 0..code.size {
        let mut column = 0;
        while column < code.size {
            let dark = (column..code.size).take_while(|&at| code[row][at].value());
            let run = dark.count();
            if run > 0 {
                let (x, y) = (column + QUIET, row + QUIET);
                // Writing to a string cannot fail.
                let _ = write!(path, "M{x} {y}h{run}v1h-{run}z");
            }
            column += run + 1;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dark_module_is_drawn_once() {
        let code = QRBuilder::new("https://www.spore.example/")
            .ecl(ECL::M)
            .build()
            .unwrap();
        let dark = (0..code.size)
            .flat_map(|row| (0..code.size).map(move |column| (row, column)))
            .filter(|&(row, column)| code[row][column].value())
            .count();
        let drawn: usize = modules(&code)
            .split("h-")
            .skip(1)
            .map(|rest| rest.split('z').next().unwrap().parse::<usize>().unwrap())
            .sum();
        assert_eq!(drawn, dark);
    }

    #[test]
    fn the_longest_address_fits() {
        assert!(svg(&"x".repeat(2_048)).is_ok());
        assert!(svg(&"x".repeat(2_332)).is_err());
    }
}
