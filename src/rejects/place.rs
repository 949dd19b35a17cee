//! Where the list of bad rows goes, and what it may not replace.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::config::source::FileSource;

/// Files of these names that runs have left behind are passed over.
const TRIES: u32 = 1_000;
/// For its owner alone: keys of rows stand in the list, and values where they are asked for.
const PRIVATE: u32 = 0o600;

/// A file that no list may replace.
pub struct Protected {
    path: PathBuf,
    what: &'static str,
}

impl Protected {
    /// What a run reads.
    pub fn of(settings: &Settings) -> Vec<Self> {
        let mut protected = Vec::new();
        protected.extend(settings.source.file().into_iter().flat_map(Self::of_source));
        let config = settings.config_file.clone();
        protected.extend(config.map(|path| Self { path, what: "the config file" }));
        protected
    }

    fn of_source(file: FileSource<'_>) -> Vec<Self> {
        // What belongs to it stands beside the one that a symbolic link leads to.
        let bases = [Some(file.path.to_owned()), file.path.canonicalize().ok()];
        let mut all = Vec::new();
        for base in bases.into_iter().flatten() {
            all.extend(file.beside.iter().map(|end| {
                let mut path = base.as_os_str().to_owned();
                path.push(end);
                Self { path: path.into(), what: file.what }
            }));
            all.push(Self { path: base, what: "the source" });
        }
        all
    }

    /// Whether it is the file of this path, or `found` under another name.
    fn is(&self, path: &Path, found: Option<&Metadata>) -> bool {
        let same = |other: &Metadata| {
            found.is_some_and(|found| (found.dev(), found.ino()) == (other.dev(), other.ino()))
        };
        end(&self.path).is_ok_and(|end| end == path)
            || self.path.metadata().is_ok_and(|other| same(&other))
    }
}

/// The place of a list.
#[derive(Debug)]
pub struct Place {
    pub path: PathBuf,
    /// The permissions of the list that stands there.
    mode: Option<u32>,
}

/// A file that is written beside a place.
#[derive(Debug)]
pub struct Beside {
    pub path: PathBuf,
    pub file: File,
}

impl Place {
    /// Where a path leads. Symbolic links are followed.
    ///
    /// # Errors
    /// Why no list may come there.
    pub fn find(path: &Path, protected: &[Protected]) -> Result<Self, String> {
        let found = match path.metadata() {
            Ok(found) if found.is_dir() => return Err("is a directory".to_owned()),
            Ok(found) if !found.is_file() => {
                return Err("is no regular file: name a file that may be replaced".to_owned());
            }
            Ok(found) => Some(found),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(plain(&error)),
        };
        if found.is_none() && path.is_symlink() {
            return Err(
                "is a symbolic link that leads nowhere: remove it, or name another file".to_owned()
            );
        }
        let path = end(path).map_err(|error| plain(&error))?;
        if let Some(Protected { what, .. }) =
            protected.iter().find(|one| one.is(&path, found.as_ref()))
        {
            return Err(format!("is {what}: name another file"));
        }
        Ok(Self { path, mode: found.map(|found| found.mode() & 0o777) })
    }

    /// A new file beside the place, with the permissions that the list will have.
    ///
    /// # Errors
    /// Those of the system.
    pub fn begin_beside(&self) -> io::Result<Beside> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let mut made = Err(io::Error::from(ErrorKind::AlreadyExists));
        for number in 0..TRIES {
            let path = self.path.with_file_name(format!(".{name}.{}.{number}", std::process::id()));
            // What stands there is neither opened nor followed.
            let opened = File::options().write(true).create_new(true).mode(PRIVATE).open(&path);
            made = opened.map(|file| Beside { path, file });
            if !made.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
                break;
            }
        }
        let beside = made?;
        if let Some(mode) = self.mode {
            // Where that cannot be, it stays private.
            let _ = beside.file.set_permissions(Permissions::from_mode(mode));
        }
        Ok(beside)
    }
}

/// The path without links, also of a file that is not there yet.
fn end(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = path.file_name().ok_or(error)?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            Ok(folder.unwrap_or(Path::new(".")).canonicalize()?.join(name))
        }
        done => done,
    }
}

/// Without the number of the system's error.
pub fn plain(error: &io::Error) -> String {
    error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::config::source::{SourceInfo, SqliteFile};

    /// An empty folder of a test, which goes with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("pgsync-place-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&path).expect("a folder");
            Self(path.canonicalize().expect("a folder"))
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        fn file(&self, name: &str, mode: u32) -> PathBuf {
            let path = self.path(name);
            std::fs::write(&path, "held").expect("a file");
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn refused(path: &Path, protected: &[Protected]) -> String {
        Place::find(path, protected).expect_err("no list may come there")
    }

    #[test]
    fn the_source_and_what_stands_beside_it_are_found_under_all_their_names() {
        let folder = Folder::new("source");
        let source = folder.file("a.db", 0o644);
        let file = SqliteFile { path: source.clone(), ..SqliteFile::default() };
        let info = SourceInfo::Sqlite(file);
        let protected: Vec<_> = info.file().into_iter().flat_map(Protected::of_source).collect();
        symlink(&source, folder.path("link")).expect("a link");
        std::fs::hard_link(&source, folder.path("hard")).expect("a link");
        std::fs::create_dir(folder.path("sub")).expect("a folder");
        for name in ["a.db", "link", "hard", "sub/../a.db"] {
            let why = refused(&folder.path(name), &protected);
            assert_eq!(why, "is the source: name another file", "{name}");
        }
        // They need not be there yet.
        for name in ["a.db-wal", "a.db-shm", "sub/../a.db-journal"] {
            let why = refused(&folder.path(name), &protected);
            assert_eq!(why, "is a file that SQLite keeps beside the source: name another file");
        }
        assert!(Place::find(&folder.path("a.db-list"), &protected).is_ok());
    }

    #[test]
    fn what_is_no_regular_file_stays() {
        let folder = Folder::new("kind");
        let _socket = UnixListener::bind(folder.path("socket")).expect("a socket");
        symlink("/dev/null", folder.path("link")).expect("a link");
        symlink(folder.path("nothing"), folder.path("dangling")).expect("a link");
        let no_file = "is no regular file: name a file that may be replaced";
        assert_eq!(refused(Path::new("/dev/null"), &[]), no_file);
        assert_eq!(refused(&folder.path("socket"), &[]), no_file);
        assert_eq!(refused(&folder.path("link"), &[]), no_file);
        assert_eq!(refused(&folder.0, &[]), "is a directory");
        let nowhere = "is a symbolic link that leads nowhere: remove it, or name another file";
        assert_eq!(refused(&folder.path("dangling"), &[]), nowhere);
    }

    #[test]
    fn a_link_is_followed_to_the_list() {
        let folder = Folder::new("link");
        let list = folder.file("list", 0o644);
        symlink("list", folder.path("link")).expect("a link");
        let place = Place::find(&folder.path("link"), &[]).expect("a place");
        assert_eq!((place.path, place.mode), (list, Some(0o644)));
    }

    #[test]
    fn what_is_written_beside_has_the_permissions_of_the_list_or_is_private() {
        let folder = Folder::new("mode");
        folder.file("old", 0o640);
        for (name, mode) in [("old", 0o640), ("new", 0o600)] {
            let place = Place::find(&folder.path(name), &[]).expect("a place");
            let beside = place.begin_beside().expect("a file");
            let found = beside.file.metadata().expect("a file").mode() & 0o777;
            assert_eq!(found, mode, "{name}: {found:o}");
        }
    }

    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let folder = Folder::new("planted");
        let victim = folder.file("victim", 0o600);
        let planted = folder.path(&format!(".list.{}.0", std::process::id()));
        symlink(&victim, &planted).expect("a link");
        let place = Place::find(&folder.path("list"), &[]).expect("a place");
        let beside = place.begin_beside().expect("a file");
        assert!(beside.path != planted && planted.is_symlink());
        assert_eq!(std::fs::read_to_string(victim).expect("a file"), "held");
    }
}
