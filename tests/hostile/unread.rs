//! A host whose log is not read: S24, S34, S41.

use std::io::{ErrorKind, PipeReader, PipeWriter, Write};
use std::process::Stdio;

use fal_tests::{Answer, end_with_test};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::harness::{Client, Director, Kind, Request, fixture, within};

/// A pipe in which there is no room for another byte.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    for size in [4096, 1] {
        while let Ok(_) | Err(ErrorKind::Interrupted) =
            writer.write(&vec![0; size]).map_err(|error| error.kind())
        {}
    }
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

#[tokio::test]
async fn a_host_whose_log_is_not_read_still_serves_replaces_and_stops_s24_s34_s41d() {
    let (_unread, log) = full_pipe();
    let director = Director::new();
    director.answer(Kind::Call, Answer::ok());
    let mut command = fixture(&director);
    command.args(["run", "--app", "scripted", "--listen", "127.0.0.1:0", "--admin", "off"]);
    command.args(["--check-interval", "50ms"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    end_with_test(command.as_std_mut());
    let mut host = command.process_group(0).kill_on_drop(true).spawn().unwrap();
    let mut said = BufReader::new(host.stdout.take().unwrap()).lines();
    let first = within("its address", said.next_line()).await.unwrap().unwrap();
    let address = first.split("http://").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let serves = async || Client::tcp(address).await.exchange(&Request::call("a")).await.runner();

    assert_eq!(serves().await, 1);
    director.answer_of(1, Kind::Check, Answer::fail());
    director.asked_times(1, 1, Kind::HandleExit).await;
    assert_eq!(serves().await, 2);
    let id = Pid::from_raw(host.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(id, Signal::TERM).unwrap();
    assert_eq!(within("its end", host.wait()).await.unwrap().code(), Some(0));
}
