//! Programs that an upgrade starts: where they are, and what those leave behind that do not take over.

use std::os::unix::fs::symlink;

use rustix::process::Signal;

use crate::harness::*;
use crate::upgrades::Upgradable;

#[tokio::test]
async fn a_second_signal_kills_a_new_program_that_does_not_end_s92c_s41e() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    let runners = old.host.shows("/runners").await.json();
    let runner = Process::new(runners["runners"][0]["pid"].as_u64().unwrap().try_into().unwrap());
    let hung = old.script("hung", "#!/bin/sh\ntrap : TERM\necho hangs\nwhile :; do sleep 1000; done\n");
    old.deploy(&hung);
    old.host.signal(Signal::USR2);
    old.host.stdout.line("hangs").await;
    let new = old.new_host().await;
    old.host.signal(Signal::TERM);
    runner.ended().await;
    assert!(!new.has_ended());
    assert_eq!(old.host.insist(Signal::TERM).await, Some(130));
    new.ended().await;
}

#[tokio::test]
async fn a_failed_new_program_leaves_no_process_with_the_listening_sockets_s92a() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    let address = old.host.address().await;
    let wrapper = old.script("wrapper", "#!/bin/sh\n(sleep 1000 & echo child $!; wait)\necho unreachable\n");
    old.deploy(&wrapper);
    old.host.signal(Signal::USR2);
    let child = old.host.stdout.line("child ").await;
    let child = Process::new(child.trim().rsplit_once(' ').unwrap().1.parse().unwrap());
    old.host.signal(Signal::TERM);
    child.ended().await;
    assert_eq!(old.host.exit().await, Some(0));
    let refused = std::net::TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn an_upgrade_runs_what_the_path_of_the_upgrade_before_leads_to_now_s90a() {
    let director = Director::new();
    let first = Upgradable::run(&director, "scripted", &[]);
    first.host.stderr.line("IDLE: takes requests runner=1").await;
    let (program, current) = (env!("CARGO_BIN_EXE_fixture"), first.path("current"));
    symlink(program, &current).unwrap();
    let second = first.upgrade(&[current.to_str().unwrap()]).await;
    let next = first.script("3", &format!("#!/bin/sh\necho version 3\nexec {program} \"$@\"\n"));
    symlink(&next, first.path("next")).unwrap();
    std::fs::rename(first.path("next"), &current).unwrap();
    let third = first.upgrade(&[]).await;
    first.host.stdout.line("version 3").await;
    second.ended().await;
    third.signal(Signal::TERM);
    third.ended().await;
}

#[tokio::test]
async fn a_host_that_gives_up_ends_the_new_program_s92c_s48a() {
    let director = Director::new();
    director.hold(Kind::Setup);
    let mut old = Upgradable::run(&director, "scripted", &["--give-up-after=1"]);
    let setup = director.next(Kind::Setup).await;
    let hung = old.script("hung", "#!/bin/sh\necho hangs\nexec sleep 1000\n");
    old.deploy(&hung);
    old.host.signal(Signal::USR2);
    old.host.stdout.line("hangs").await;
    let new = old.new_host().await;
    drop(setup);
    assert_eq!(old.host.exit().await, Some(4));
    new.ended().await;
}
