//! Lines of a stream whose other end is not trusted: bounded, and text or nothing.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// One line, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line of text.
    Text(String),
    /// A line that is not UTF-8.
    NotText,
    /// More than the limit without a line's end. What was read of it is dropped; the next line begins after that.
    TooLong,
}

/// Reads lines of at most `limit` bytes.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    limit: usize,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(super) const fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit }
    }

    /// The next line; `None` at the end of the stream. A last line needs no end.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                return Ok((!line.is_empty()).then(|| judge(line)));
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let content = end.unwrap_or(available.len());
            if line.len() + content > self.limit {
                let read = end.map_or(content, |end| end + 1);
                self.reader.consume(read);
                return Ok(Some(Line::TooLong));
            }
            line.extend_from_slice(&available[..content]);
            self.reader.consume(end.map_or(content, |end| end + 1));
            if end.is_some() {
                return Ok(Some(judge(line)));
            }
        }
    }
}

fn judge(mut line: Vec<u8>) -> Line {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_or(Line::NotText, Line::Text)
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    async fn read(bytes: &[u8], limit: usize) -> Vec<Line> {
        // A small buffer, so that lines span several reads.
        let mut lines = Lines::new(BufReader::with_capacity(3, bytes), limit);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            found.push(line);
        }
        found
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[tokio::test]
    async fn lines_come_without_their_ends() {
        let found = read("one\r\nдва\n\nlast".as_bytes(), 100).await;
        assert_eq!(found, [text("one"), text("два"), text(""), text("last")]);
        assert_eq!(read(b"", 100).await, []);
    }

    #[tokio::test]
    async fn what_is_no_text_is_told_apart() {
        let found = read(b"\xff\xfe\nfine\n", 100).await;
        assert_eq!(found, [Line::NotText, text("fine")]);
    }

    #[tokio::test]
    async fn a_line_is_never_held_beyond_its_limit() {
        let found = read(b"12345\n123456\nok\n", 5).await;
        assert_eq!(found[..2], [text("12345"), Line::TooLong]);
        assert_eq!(found.last(), Some(&text("ok")));
        let endless = [b'x'; 1000];
        assert!(read(&endless, 10).await.contains(&Line::TooLong));
    }
}
