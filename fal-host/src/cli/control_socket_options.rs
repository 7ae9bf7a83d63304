//! The options of the Unix socket over which the subcommands control a host.

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::ptr;

use clap::Args;

use super::control_sockets;
use crate::HostBuilder;
use crate::control_socket::SocketAccess;

/// How large the entry of a group may be, in bytes: it has the names of all members.
const MAX_GROUP: usize = 1 << 20;

/// The options of the Unix socket over which the subcommands control a host.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_field_names, reason = "they are the names of the options")]
pub(super) struct ControlSocketOptions {
    /// The Unix socket for the subcommands that show and control this host: a path, or `off`
    ///
    /// Only the user of the host can connect to it. By default it is where the subcommands find it:
    /// in `$XDG_RUNTIME_DIR/fal`, `/run/fal`, or a directory of the user for temporary files.
    #[arg(long, value_name = "PATH", env = "FAL_CONTROL_SOCKET")]
    pub(super) control_socket: Option<PathBuf>,

    /// The mode of that socket, in octal [default: 0600, and 0660 with `--control-socket-group`]
    ///
    /// Who may write to the socket controls the host.
    #[arg(long, value_name = "MODE", env = "FAL_CONTROL_SOCKET_MODE", value_parser = mode)]
    pub(super) control_socket_mode: Option<u32>,

    /// The group of that socket, by its name or its number [default: the group of the host]
    ///
    /// Its members control the host with `--socket PATH`. Choose a path with `--control-socket` whose directory they may enter.
    #[arg(long, value_name = "GROUP", env = "FAL_CONTROL_SOCKET_GROUP", value_parser = group)]
    pub(super) control_socket_group: Option<u32>,
}

impl ControlSocketOptions {
    /// Sets the socket of a host. A host whose default path cannot be used runs without.
    pub(super) fn apply(&self, host: HostBuilder) -> HostBuilder {
        let path = match &self.control_socket {
            Some(path) if path.as_os_str() == "off" => None,
            Some(path) => Some(path.clone()),
            None => control_sockets::default_path(&host.app.name)
                .inspect_err(|error| {
                    tracing::warn!(%error, "no directory for the host's Unix socket: its subcommands cannot find it");
                })
                .ok(),
        };
        let access = self.control_socket_group.map(SocketAccess::of_group).unwrap_or_default();
        let access = self.control_socket_mode.map_or(access, |mode| access.with_mode(mode));
        host.control_socket(path).control_socket_access(access)
    }
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text.trim_start_matches("0o"), 8).ok();
    mode.filter(|mode| *mode <= 0o777).ok_or_else(|| "expected an octal number such as `0660`".to_owned())
}

fn group(text: &str) -> Result<u32, String> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    match group_of(text) {
        Ok(Some(id)) => Ok(id),
        Ok(None) => Err("there is no group with this name; `getent group` lists them".to_owned()),
        Err(error) => Err(format!("cannot look up this group: {error}")),
    }
}

/// The id of the group with this name.
fn group_of(name: &str) -> io::Result<Option<u32>> {
    let name = CString::new(name)?;
    let (mut entry, mut buffer) = (MaybeUninit::<libc::group>::uninit(), vec![0; MAX_GROUP]);
    let mut found = ptr::null_mut();
    #[expect(unsafe_code, reason = "no safe function looks up a group")]
    // SAFETY: the name ends with a zero byte, and entry and buffer outlive the call, which knows the length of the buffer.
    let error = unsafe {
        libc::getgrnam_r(name.as_ptr(), entry.as_mut_ptr(), buffer.as_mut_ptr(), buffer.len(), &raw mut found)
    };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    if found.is_null() {
        return Ok(None);
    }
    #[expect(unsafe_code, reason = "the entry is behind a pointer")]
    // SAFETY: the call has succeeded, so it has initialized the entry and points to it.
    let id = unsafe { (*found).gr_gid };
    Ok(Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_octal_s88a() {
        assert_eq!((mode("0660"), mode("600"), mode("0o777")), (Ok(0o660), Ok(0o600), Ok(0o777)));
        for wrong in ["", "8", "1000", "rw", "-1"] {
            assert!(mode(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_group_has_a_name_or_a_number_s88a() {
        assert_eq!((group("root"), group("4711")), (Ok(0), Ok(4_711)));
        for wrong in ["", "no-such-group", "a\0b"] {
            assert!(group(wrong).is_err(), "{wrong:?}");
        }
    }
}
