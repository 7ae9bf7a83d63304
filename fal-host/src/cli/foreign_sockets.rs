//! The control sockets of other users' hosts, for root: a service manager gives each service a user and a directory (S88c).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::control_sockets::{Found, find_in};

/// The type of a file in its mode.
const FILE_TYPE: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;

/// The hosts that only root may control. The list is empty for another user.
pub(super) fn find() -> Vec<Found> {
    if geteuid().is_root() { find_below(Path::new("/run")) } else { Vec::new() }
}

/// The hosts whose sockets are in `*/fal` or `*/*/fal` below this directory.
fn find_below(root: &Path) -> Vec<Found> {
    let Ok(metadata) = fs::symlink_metadata(root) else { return Vec::new() };
    let trusted = Trusted { owner: metadata.uid(), user: None };
    let mut services = directories_in(root, trusted);
    let nested: Vec<_> = services.iter().flat_map(|(path, trusted)| directories_in(path, *trusted)).collect();
    services.extend(nested);
    let in_service = |(service, trusted): (PathBuf, Trusted)| {
        let directory = service.join("fal");
        let trusted = trusted.at(&directory)?;
        Some(find_in(&directory, trusted.user.unwrap_or(trusted.owner)))
    };
    services.into_iter().filter_map(in_service).flatten().collect()
}

/// The directories in this one that only the trusted users can change.
fn directories_in(directory: &Path, trusted: Trusted) -> Vec<(PathBuf, Trusted)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter_map(|path| trusted.at(&path).map(|trusted| (path, trusted))).collect()
}

/// Whose directories may be on the way to a socket: those of the owner of the root, and below them those of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trusted {
    owner: u32,
    user: Option<u32>,
}

impl Trusted {
    /// The same in this directory. `None` if another user could have put a false host there.
    fn at(self, directory: &Path) -> Option<Self> {
        // Not through a symbolic link.
        let metadata = fs::symlink_metadata(directory).ok()?;
        self.through(metadata.uid(), metadata.mode())
    }

    fn through(self, uid: u32, mode: u32) -> Option<Self> {
        if mode & FILE_TYPE != DIRECTORY || mode & 0o022 != 0 {
            return None;
        }
        match self.user {
            Some(user) => (uid == user).then_some(self),
            None => Some(Self { user: (uid != self.owner).then_some(uid), ..self }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::control_socket::{SocketAccess, listen};

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn root_finds_the_hosts_of_services_s88c() {
        let root = tempfile::tempdir().unwrap();
        let mut listening = Vec::new();
        for (service, socket) in [("my-app", "my-app.7.sock"), ("user/1000", "other.8.sock")] {
            let directory = root.path().join(service).join("fal");
            fs::create_dir_all(&directory).unwrap();
            listening.push(listen(&directory.join(socket), SocketAccess::default()).unwrap());
        }
        let mut pids: Vec<_> = find_below(root.path()).iter().map(|found| found.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [7, 8]);
    }

    #[test]
    fn a_directory_that_others_may_change_or_a_link_is_not_followed_s88c() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("my-app/fal");
        fs::create_dir_all(&directory).unwrap();
        let _listening = listen(&directory.join("my-app.7.sock"), SocketAccess::default()).unwrap();
        symlink(root.path().join("my-app"), root.path().join("link")).unwrap();
        assert_eq!(find_below(root.path()).len(), 1);
        for open in [&directory, &root.path().join("my-app")] {
            for mode in [0o777, 0o720] {
                set_mode(open, mode);
                assert_eq!(find_below(root.path()), [], "{}", open.display());
            }
            set_mode(open, 0o700);
        }
        assert_eq!(find_below(root.path()).len(), 1);
    }

    #[test]
    fn below_a_users_directory_only_this_user_is_trusted_s88c() {
        let root = Trusted { owner: 0, user: None };
        let of_one = Trusted { user: Some(1000), ..root };
        let mode = DIRECTORY | 0o755;
        assert_eq!(root.through(0, mode), Some(root));
        assert_eq!(root.through(1000, mode), Some(of_one));
        assert_eq!(of_one.through(1000, mode), Some(of_one));
        assert_eq!(of_one.through(1001, mode), None);
        assert_eq!(of_one.through(0, mode), None, "the user may have moved it there");
        assert_eq!(root.through(0, 0o120_777), None, "a symbolic link");
    }
}
