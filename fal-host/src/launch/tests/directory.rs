//! The directory of the sockets of real runners.

use super::*;

#[tokio::test]
async fn the_sockets_directory_is_private_and_goes_with_the_launcher() {
    use std::os::unix::fs::PermissionsExt;
    let mut bench = Bench::started("exit 0");
    let Address::Unix(socket) = bench.launched().address() else {
        panic!("our runners listen on Unix sockets")
    };
    let directory = socket.parent().unwrap().to_owned();
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::write(&socket, "left over").unwrap();
    bench.exit().await;
    assert!(!socket.exists(), "a runner that was killed could not remove it");
    drop(bench);
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_sockets_directory_that_was_removed_is_created_again_by_the_next_launch() {
    let mut bench = Bench::started("exit 0");
    let directory_of = |address| match address {
        Address::Unix(path) => path.parent().unwrap().to_owned(),
        Address::Tcp(_) => panic!("our runners listen on Unix sockets"),
    };
    let removed = directory_of(bench.launched().address());
    bench.exit().await;
    std::fs::remove_dir_all(&removed).unwrap();
    bench.start();
    let directory = directory_of(bench.launched().address());
    assert!(directory.exists() && !removed.exists());
    bench.exit().await;
}
