//! The file of `-metrics`, which the textfile collector of node_exporter reads. A reader sees the old
//! text or the new one, and never a part.

use std::fs::{File, Permissions};
use std::io;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What an earlier run wrote; nothing where there is no such file, or none that can be read.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Writes beside the file, and puts that in its place. The collector reads `*.prom` only, and nothing
/// that begins with a dot.
///
/// # Errors
/// Those of the file system, in its own words.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    let beside = beside(path);
    let written = write_to(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        let words = error.to_string();
        let words = words.split(" (os error").next().unwrap_or_default().to_lowercase();
        format!("-metrics {}: {words}", path.display())
    })
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

fn write_to(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
