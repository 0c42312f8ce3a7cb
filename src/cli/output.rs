//! The one place that prints. A reader that went away is nobody's failure.

use std::io::{self, Write};

/// Prints to standard output.
pub fn line(text: &str) {
    let _closed = writeln!(io::stdout().lock(), "{text}");
}

/// Prints to standard error.
pub fn error_line(text: &str) {
    let _closed = writeln!(io::stderr().lock(), "{text}");
}
