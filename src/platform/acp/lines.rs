//! Messages as lines, one each, never longer than an agent may say at once.

use std::io;

use futures_util::{Sink, Stream, sink, stream};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::link::{Incoming, LONGEST_MESSAGE, Outgoing};

/// The lines of a reader until it ends, or says too much in one.
pub(super) fn read<R>(reader: R) -> impl Stream<Item = io::Result<Incoming>> + Send
where
    R: AsyncBufRead + Unpin + Send,
{
    stream::try_unfold(reader, |mut reader| async move {
        let line = next(&mut reader).await?;
        Ok(line.map(|line| (Incoming::Message(line), reader)))
    })
}

/// Each message as one line. JSON on one line is what the protocol asks for, and what it is given.
pub(super) fn write<W>(writer: W) -> impl Sink<Outgoing, Error = io::Error> + Send
where
    W: AsyncWrite + Unpin + Send,
{
    sink::unfold(writer, |mut writer, outgoing| async move {
        if let Outgoing::Message(mut line) = outgoing {
            line.push('\n');
            writer.write_all(line.as_bytes()).await?;
            writer.flush().await?;
        }
        Ok(writer)
    })
}

async fn next<R: AsyncBufRead + Unpin>(reader: &mut R) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut limited = reader.take(LONGEST_MESSAGE as u64 + 1);
    if limited.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if line.len() > LONGEST_MESSAGE {
        return Err(io::Error::other(format!(
            "it sent a line of more than {LONGEST_MESSAGE} bytes"
        )));
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::io::BufReader;

    use super::*;

    fn message(text: &str) -> Incoming {
        Incoming::Message(text.to_owned())
    }

    #[tokio::test]
    async fn lines_come_as_they_are_the_last_one_without_an_end_too() {
        let bytes: &[u8] = b"{\"a\":1}\r\n\n\xff\xfe\nlast";
        let lines: Vec<_> = read(BufReader::new(bytes))
            .map(Result::unwrap)
            .collect()
            .await;
        let expected = ["{\"a\":1}", "", "\u{fffd}\u{fffd}", "last"].map(message);
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_not_kept() {
        let endless = tokio::io::repeat(b'x');
        let mut lines = Box::pin(read(BufReader::new(endless)));
        let error = lines.next().await.unwrap().unwrap_err();
        assert!(
            error.to_string().contains("more than 4194304 bytes"),
            "{error}"
        );
        assert!(lines.next().await.is_none(), "nothing more is read");
    }

    #[tokio::test]
    async fn messages_are_written_as_lines_and_a_pulse_is_not() {
        let (near, far) = tokio::io::duplex(1024);
        let mut writer = Box::pin(write(near));
        writer
            .send(Outgoing::Message("{}".to_owned()))
            .await
            .unwrap();
        writer.send(Outgoing::Pulse).await.unwrap();
        drop(writer);
        let lines: Vec<_> = read(BufReader::new(far))
            .map(Result::unwrap)
            .collect()
            .await;
        assert_eq!(lines, [message("{}")]);
    }
}
