//! The fenced code blocks of a text, as the CommonMark parser finds them.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

/// The longest information string that is repeated where a block is opened again.
const LONGEST_INFO: usize = 40;

/// One fenced code block. Places are byte offsets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fence {
    /// Of the line that opens it.
    pub(super) start: usize,
    /// Of the first line of code.
    pub(super) body_start: usize,
    /// Of the line that closes it; the end of the block where none does.
    pub(super) body_end: usize,
    /// Behind its last line.
    pub(super) end: usize,
    /// The line that opens it again in another piece.
    pub(super) open: String,
    /// The line that closes it in the piece in which it begins.
    pub(super) close: String,
    /// The line that closes it in a later piece.
    pub(super) close_reopened: String,
    /// Spaces of a list before each of its lines, which a later piece leaves out.
    pub(super) indent: usize,
}

/// All blocks, in order. One whose fence alone would take up a good part of `limit` is not repeated, and left out.
pub(super) fn of(markdown: &str, limit: usize) -> Vec<Fence> {
    Parser::new(markdown)
        .into_offset_iter()
        .filter_map(|(event, range)| match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => {
                fence(markdown, range.start, range.end)
            }
            _ => None,
        })
        .filter(|fence| fence.open.len() + fence.close.len() <= limit / 4)
        .collect()
}

fn fence(markdown: &str, from: usize, to: usize) -> Option<Fence> {
    let at = from + markdown[from..to].find(['`', '~'])?;
    let start = markdown[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let mark = markdown[at..].chars().next()?;
    let run: String = markdown[at..].chars().take_while(|c| *c == mark).collect();
    let body_start = markdown[at..]
        .find('\n')
        .map_or(markdown.len(), |newline| at + newline + 1);
    let info = markdown[at + run.len()..body_start]
        .split_whitespace()
        .next();
    let info = info.filter(|info| info.len() <= LONGEST_INFO).unwrap_or("");
    // A list's marker belongs to its item: in other lines of the block, spaces stand in its place.
    let prefix: String = markdown[start..at]
        .chars()
        .map(|c| {
            if c == '>' || c.is_whitespace() {
                c
            } else {
                ' '
            }
        })
        .collect();
    let is_quoted = prefix.contains('>');
    let kept = if is_quoted { prefix.as_str() } else { "" };
    let end = markdown[to.max(body_start)..]
        .find('\n')
        .filter(|_| !markdown[..to.max(body_start)].ends_with('\n'))
        .map_or(to.max(body_start), |newline| {
            to.max(body_start) + newline + 1
        });
    Some(Fence {
        start,
        body_start,
        body_end: closing_line(markdown, body_start, end, mark, run.len()).unwrap_or(end),
        end,
        open: format!("{kept}{run}{info}"),
        close: format!("{prefix}{run}"),
        close_reopened: format!("{kept}{run}"),
        indent: if is_quoted { 0 } else { prefix.chars().count() },
    })
}

/// The start of the block's last line, if that is what closes it.
fn closing_line(
    markdown: &str,
    body_start: usize,
    end: usize,
    mark: char,
    run: usize,
) -> Option<usize> {
    let body = markdown.get(body_start..end)?.trim_end_matches('\n');
    let start = body.rfind('\n').map_or(0, |newline| newline + 1);
    let line = body[start..]
        .trim_start_matches(['>', ' ', '\t'])
        .trim_end();
    let closes = line.chars().all(|c| c == mark) && line.chars().count() >= run;
    closes.then_some(body_start + start)
}
