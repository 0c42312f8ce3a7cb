//! Files as the agent sees them: absolute paths and `file:` addresses under its own view of the workspace.

use std::path::{Component, Path, PathBuf};

use url::Url;

/// The workspace as the agent sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Workspace {
    root: PathBuf,
}

/// What an agent pointed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A file: relative to the workspace, or as it was named where it is not in there.
    File(String),
    /// Something elsewhere, to be shown as a link.
    Link(String),
}

impl Workspace {
    /// `root` is absolute.
    pub(super) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where a path of the workspace is for the agent.
    pub(super) fn absolute(&self, relative: &str) -> PathBuf {
        if relative.is_empty() {
            return self.root.clone();
        }
        self.root.join(relative)
    }

    /// The address of a file of the workspace.
    pub(super) fn uri(&self, relative: &str) -> String {
        let path = self.absolute(relative);
        Url::from_file_path(&path).map_or_else(
            |()| format!("file://{}", path.display()),
            |url| url.to_string(),
        )
    }

    /// What an address, or a path from the folder `from`, leads to.
    pub(super) fn target(&self, named: &str, from: &str) -> Target {
        let path = match Url::parse(named) {
            Ok(url) if url.scheme() == "file" => match url.to_file_path() {
                Ok(path) => path,
                Err(()) => return Target::File(named.to_owned()),
            },
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                return Target::Link(url.to_string());
            }
            // A scheme that names no file; one letter is a drive of another system.
            Ok(_) => return Target::File(named.to_owned()),
            Err(_) => self.absolute(from).join(named),
        };
        let relative = plain(&path).and_then(|path| {
            let inside = path.strip_prefix(&self.root).ok()?.to_str()?.to_owned();
            (!inside.is_empty()).then_some(inside)
        });
        Target::File(relative.unwrap_or_else(|| named.to_owned()))
    }
}

/// Without dots. What a link in between would make of them is decided where the file is opened.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop().then_some(())?;
            }
            other => plain.push(other),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace::new("/srv/work space")
    }

    #[test]
    fn a_file_is_named_by_an_address_that_leads_back_to_it() {
        for path in ["a.txt", "surfaces/ü ?#%.png", "inbox/1-a b.txt"] {
            let uri = workspace().uri(path);
            assert!(uri.starts_with("file:///srv/work%20space/"), "{uri}");
            assert_eq!(workspace().target(&uri, ""), Target::File(path.to_owned()));
        }
    }

    #[test]
    fn what_is_outside_of_the_workspace_stays_as_it_was_named() {
        for named in [
            "file:///etc/passwd",
            "file:///srv/work%20space/../secret",
            "file:///srv/work%20space",
            "file:///srv/work%20spaces/x",
            "/etc/passwd",
            "../../../../etc/passwd",
            "file://elsewhere/share/x",
            "data:text/plain,x",
            "C:\\x",
        ] {
            assert_eq!(
                workspace().target(named, "chat/room"),
                Target::File(named.to_owned())
            );
        }
    }

    #[test]
    fn plain_paths_start_in_the_sessions_folder() {
        for (named, expected) in [
            ("out.txt", "chat/room/out.txt"),
            ("./out/x.png", "chat/room/out/x.png"),
            ("../other/x", "chat/other/x"),
            ("/srv/work space/top.txt", "top.txt"),
        ] {
            assert_eq!(
                workspace().target(named, "chat/room"),
                Target::File(expected.to_owned())
            );
        }
    }

    #[test]
    fn an_address_on_the_web_is_a_link() {
        assert_eq!(
            workspace().target("https://example.org/a b", ""),
            Target::Link("https://example.org/a%20b".to_owned())
        );
    }
}
