//! Bytes of a response into the data of server-sent events.
//!
//! The parser is a library's; what it is fed with is made harmless first: text that is valid whatever the server sends,
//! and events that end before they fill the memory.

use eventsource_stream::Eventsource;
use futures_util::{Stream, StreamExt, stream};

/// No event of an answer is anywhere near this long.
const LONGEST_EVENT: usize = 1 << 20;

/// Why a stream cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// An event without end.
    #[error("an event of the stream is longer than {LONGEST_EVENT} bytes")]
    TooLong,
    /// The connection, in words without addresses.
    #[error("{0}")]
    Connection(String),
    /// The parser gave up.
    #[error("the stream is not one of server-sent events")]
    NotEvents,
}

/// One event that has data, if only an empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// `message` where the server gives no other.
    pub(super) name: String,
    pub(super) data: String,
}

/// The events that have data.
pub(super) fn events<B: AsRef<[u8]>>(
    bytes: impl Stream<Item = Result<B, Broken>> + Send,
) -> impl Stream<Item = Result<Event, Broken>> + Send {
    // An event that the end of the stream cuts off right behind its last line is meant to be one.
    let end = stream::once(async { Ok(Chunk::End) });
    bytes
        .map(|chunk| chunk.map(Chunk::Bytes))
        .chain(end)
        .scan(Guard::default(), |guard, chunk| {
            std::future::ready(Some(chunk.and_then(|chunk| guard.pass(&chunk))))
        })
        .eventsource()
        .map(|event| match event {
            Ok(eventsource_stream::Event { event, data, .. }) => Ok(Event { name: event, data }),
            Err(eventsource_stream::EventStreamError::Transport(broken)) => Err(broken),
            Err(_) => Err(Broken::NotEvents),
        })
}

enum Chunk<B> {
    Bytes(B),
    End,
}

/// What is known of the stream so far.
#[derive(Default)]
struct Guard {
    begun: bool,
    /// The beginning of a character whose end is in the next chunk.
    tail: Vec<u8>,
    /// Bytes since the last blank line.
    event: usize,
    line_is_blank: bool,
}

impl Guard {
    fn pass<B: AsRef<[u8]>>(&mut self, chunk: &Chunk<B>) -> Result<String, Broken> {
        let text = match chunk {
            Chunk::Bytes(bytes) => self.decode(bytes.as_ref()),
            Chunk::End => "\n\n".to_owned(),
        };
        for byte in text.bytes() {
            match byte {
                b'\n' if self.line_is_blank => self.event = 0,
                b'\n' => self.line_is_blank = true,
                b'\r' => {}
                _ => self.line_is_blank = false,
            }
            self.event += 1;
            if self.event > LONGEST_EVENT {
                return Err(Broken::TooLong);
            }
        }
        Ok(text)
    }

    /// Characters may be split between chunks; bytes that are none become replacement characters.
    fn decode(&mut self, bytes: &[u8]) -> String {
        let mut pending = std::mem::take(&mut self.tail);
        pending.extend_from_slice(bytes);
        let mut text = String::with_capacity(pending.len());
        let mut chunks = pending.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            let is_cut = |bytes| std::str::from_utf8(bytes).is_err_and(|e| e.error_len().is_none());
            if chunks.peek().is_none() && is_cut(invalid) {
                self.tail = invalid.to_vec();
            } else if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        if !self.begun && !text.is_empty() {
            self.begun = true;
            // The parser would cut this mark in the middle.
            if let Some(rest) = text.strip_prefix('\u{feff}') {
                return rest.to_owned();
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn read(chunks: Vec<Vec<u8>>) -> Result<Vec<String>, Broken> {
        let chunks = stream::iter(chunks.into_iter().map(Ok));
        let events: Vec<_> = events(chunks).collect().await;
        let data = |event: Result<Event, Broken>| event.map(|event| event.data);
        events.into_iter().map(data).collect()
    }

    async fn read_text(text: &str) -> Vec<String> {
        read(vec![text.as_bytes().to_vec()]).await.unwrap()
    }

    #[tokio::test]
    async fn data_comes_out_and_nothing_else() {
        let text =
            ": comment\nevent: x\nid: 5\ndata: one\n\nretry: 5\n\ndata:two\ndata: lines\r\n\r\n";
        assert_eq!(read_text(text).await, ["one", "two\nlines"]);
    }

    #[tokio::test]
    async fn an_event_has_its_name() {
        let text = "event: error\ndata:\n\ndata: a\n\n";
        let events: Vec<_> = events(stream::iter([Ok(text)])).collect().await;
        let names: Vec<_> = events
            .into_iter()
            .map(|event| event.unwrap().name)
            .collect();
        assert_eq!(names, ["error", "message"]);
    }

    #[tokio::test]
    async fn a_last_event_without_its_blank_line_counts() {
        assert_eq!(read_text("data: a\n\ndata: [DONE]").await, ["a", "[DONE]"]);
        assert_eq!(read_text("").await, [""; 0]);
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_become_replacement_characters() {
        let chunks = vec![
            b"\xef\xbb\xbfdata: a\xffb\xc3".to_vec(),
            b"\n\ndata: \xe4\xb8".to_vec(),
        ];
        assert_eq!(read(chunks).await.unwrap(), ["a\u{fffd}b\u{fffd}", ""]);
    }

    #[tokio::test]
    async fn an_event_without_end_is_given_up() {
        for piece in ["data: aaaaaaaaaaaaaaaaaaa\n", "aaaaaaaaaaaaaaaaaaaaaaaaa"] {
            let chunks = vec![piece.repeat(1_000).into_bytes(); 60];
            assert!(matches!(read(chunks).await, Err(Broken::TooLong)));
        }
        let many = "data: aaaaaaaaaaaaaaaaaaa\r\n\r\n"
            .repeat(1_000)
            .into_bytes();
        assert_eq!(read(vec![many; 60]).await.unwrap().len(), 60_000);
    }

    proptest! {
        #[test]
        fn characters_split_between_chunks_come_out_whole(text in "[a-zа-я世界😀]{0,40}", cuts in proptest::collection::vec(1usize..5, 1..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let whole = format!("data: {text}x\n\n").into_bytes();
            let (mut rest, mut chunks) = (whole.as_slice(), Vec::new());
            for cut in cuts {
                let (chunk, behind) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk.to_vec());
                rest = behind;
            }
            chunks.push(rest.to_vec());
            prop_assert_eq!(runtime.block_on(read(chunks)).unwrap(), [format!("{text}x")]);
        }

        #[test]
        fn any_bytes_are_read_without_harm(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..10)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(read(chunks));
        }
    }
}
