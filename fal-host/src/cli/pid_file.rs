//! The file with the process id of the host (S94a).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The file. When it is dropped, it is removed, unless another host has written it since.
#[derive(Debug)]
pub(super) struct PidFile(PathBuf);

/// The file, complete and under another name: until the host has started, the id of another host may stay in the file.
#[derive(Debug)]
pub(super) struct PreparedPidFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl PidFile {
    /// Does everything that is likely to fail.
    pub(super) fn prepare(path: &Path) -> io::Result<PreparedPidFile> {
        let path = std::path::absolute(path)?;
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let directory = path.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::Builder::new().prefix(".pid-").tempfile_in(directory)?;
        file.write_all(own().as_bytes())?;
        // Readable for all, as programs that read such a file expect.
        fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        Ok(PreparedPidFile { file, path })
    }
}

impl PreparedPidFile {
    /// Puts it in its place as a whole: a reader sees the id of the old host or that of this one.
    pub(super) fn publish(self) -> io::Result<PidFile> {
        let Self { file, path } = self;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(PidFile(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if fs::read_to_string(&self.0).is_ok_and(|content| content == own()) {
            let _ = fs::remove_file(&self.0);
        }
    }
}

fn own() -> String {
    format!("{}\n", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_goes_with_the_host_unless_another_host_has_written_it_s94a() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.pid");
        let prepared = PidFile::prepare(&path).unwrap();
        assert!(!path.exists(), "another host may still serve");
        let file = prepared.publish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), own());
        drop(file);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let file = PidFile::prepare(&path).unwrap().publish().unwrap();
        fs::write(&path, "1\n").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_known_before_the_host_starts_s94a() {
        let directory = tempfile::tempdir().unwrap();
        let missing = PidFile::prepare(&directory.path().join("missing/app.pid")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let taken = PidFile::prepare(directory.path()).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::IsADirectory);
    }
}
